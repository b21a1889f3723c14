#include "agent/sources/user_data_parts.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>

#include "agent/sources/config_merge.hpp"
#include "agent/sources/mime_parts.hpp"
#include "agent/sources/packed_text.hpp"
#include "document/field_syntax.hpp"
#include "document/utf8.hpp"

namespace muster {
namespace {

using Kind = UserDataPart::Kind;

constexpr std::string_view blanks = " \t\r\n\v\f";

// The type by its first words; `otherwise` where they say nothing.
std::string sniffed(std::string_view text, std::string otherwise) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> beginnings = {{
      {"#cloud-config-archive", "text/cloud-config-archive"},
      {"#cloud-config-jsonp", "text/cloud-config-jsonp"},
      {"## template: jinja", "text/jinja2"},
      {"#cloud-boothook", "text/cloud-boothook"},
      {"#include-once", "text/x-include-once-url"},
      {"#cloud-config", "text/cloud-config"},
      {"#part-handler", "text/part-handler"},
      {"#include", "text/x-include-url"},
      {"#!", "text/x-shellscript"},
  }};
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const std::string start = lower_case(text.substr(0, 32));
  for (const auto& [beginning, type] : beginnings)
    if (start.starts_with(beginning)) return std::string(type);
  return otherwise;
}

bool is_compressed(std::string_view type) {
  static constexpr std::array<std::string_view, 8> types = {
      "application/gzip",       "application/gzip-compressed",  "application/gzipped",
      "application/x-compress", "application/x-compressed",     "application/x-gunzip",
      "application/x-gzip",     "application/x-gzip-compressed"};
  return std::find(types.begin(), types.end(), type) != types.end();
}

class Taker {
 public:
  explicit Taker(std::string_view what) : what_(what) {}

  Result<void> take(MimePart part) {
    std::string as_read = part.text;
    bool looks = part.type == "text/plain" || part.type == "text/x-not-multipart" ||
                 part.type == "text/x-shellscript";
    if (is_compressed(part.type)) {
      auto plain = gunzip(part.text);
      if (!plain || find_bad_byte(*plain) != std::string::npos)
        return refused(part.line, "expected a part of text in gzip, found it damaged");
      as_read = std::move(*plain);
      part = {part.line, "text/plain", {}, raw_unicode_escape(as_read)};
      looks = true;
    }
    if (looks) part.type = sniffed(as_read, part.type);
    if (part.type == "text/x-include-url" || part.type == "text/x-include-once-url") {
      parts.push_back({part.line, Kind::include, {}, {}});
      return {};
    }
    if (part.type == "text/cloud-config-archive") return take_archive(part.line, as_read);
    attach(std::move(part));
    return {};
  }

  std::vector<UserDataPart> parts;

 private:
  void attach(MimePart part) {
    Kind kind = Kind::other;
    if (part.type == "text/cloud-config") kind = Kind::cloud_config;
    if (part.type == "text/cloud-config-jsonp") kind = Kind::json_patch;
    if (part.type == "text/jinja2") kind = fill_in(part.text);
    parts.push_back({part.line, kind, std::move(part.merge_how), std::move(part.text)});
  }

  // A template of a cloud-config without anything to fill in is what follows its first line.
  static Kind fill_in(std::string& text) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string first = lower_case(std::string_view(text).substr(0, end));
    std::erase_if(first, [](char c) { return blanks.find(c) != std::string_view::npos; });
    if (first != "##template:jinja") return Kind::other;
    text.erase(0, end);  // its line end stays, so that lines are counted as they are written
    const bool is_filled = text.find("{{") != std::string::npos ||
                           text.find("{%") != std::string::npos ||
                           text.find("{#") != std::string::npos;
    const std::string type = sniffed(text, "");
    if (type == "text/cloud-config") return is_filled ? Kind::jinja : Kind::cloud_config;
    return type.empty() && is_filled ? Kind::jinja : Kind::other;
  }

  Result<void> take_archive(int line, const std::string& text) {
    try {
      return take_entries(line, YAML::Load(text));
    } catch (const YAML::Exception& error) {
      return refused(line + std::max(error.mark.line, 0),
                     fmt::format("expected YAML: {}", error.msg));
    } catch (const std::exception& error) {
      return fail(ErrorKind::internal, fmt::format("{}: reading YAML: {}", what_, error.what()));
    }
  }

  Result<void> take_entries(int line, const YAML::Node& entries) {
    if (!entries.IsSequence()) return {};
    for (const auto& entry : entries) {
      const int at = line + entry.Mark().line;
      if (is_text(entry)) {
        attach({at, sniffed(entry.Scalar(), "text/cloud-config"), {}, entry.Scalar()});
        continue;
      }
      if (!entry.IsMap()) continue;
      const auto fields = fields_of(entry);
      if (!fields) return pass(fields.error());
      auto part = part_of(*fields);
      if (!part) return refused(at, part.error().message);
      part->line = at;
      attach(std::move(*part));
    }
    return {};
  }

  static Result<MimePart> part_of(const std::map<std::string, YAML::Node>& fields) {
    const auto text = [&](const char* name) {
      const auto found = fields.find(name);
      return found != fields.end() && is_text(found->second) ? found->second.Scalar()
                                                             : std::string();
    };
    const auto content = fields.find("content");
    if (content != fields.end() && !is_text(content->second))
      return fail(ErrorKind::invalid, "expected 'content' of an archive's entry as text");
    MimePart part{0, text("type"), text("Merge-Type"), text("content")};
    if (part.merge_how.empty()) part.merge_how = text("X-Merge-Type");
    const bool is_binary =
        content != fields.end() && content->second.Tag() == "tag:yaml.org,2002:binary";
    if (is_binary) {
      auto plain = lenient_base64(part.text, Padding::needed);
      if (!plain) return pass(plain.error());
      part.text = std::move(*plain);
    }
    if (part.type.empty())
      part.type = sniffed(part.text, is_binary ? "application/octet-stream" : "text/cloud-config");
    const auto slash = part.type.find('/');
    if (slash == std::string::npos)
      return fail(ErrorKind::invalid, "expected 'type' of an archive's entry as 'text/...'");
    part.type = lower_case(part.type);
    return part;
  }

  [[nodiscard]] tl::unexpected<Error> refused(int line, std::string_view problem) const {
    return fail(ErrorKind::invalid, fmt::format("{}: line {}: {}", what_, line, problem));
  }

  std::string_view what_;
};

}  // namespace

Result<std::vector<UserDataPart>> user_data_parts(std::string_view what, const std::string& text) {
  Taker taker(what);
  if (!is_mime(text)) {
    if (auto done = taker.take({1, "text/x-not-multipart", {}, text}); !done)
      return pass(done.error());
    return std::move(taker.parts);
  }
  auto parts = read_mime_parts(what, text);
  if (!parts) return pass(parts.error());
  for (auto& part : *parts)
    if (auto done = taker.take(std::move(part)); !done) return pass(done.error());
  return std::move(taker.parts);
}

}  // namespace muster
