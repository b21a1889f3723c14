#include "agent/sources/written_file.hpp"

#include <filesystem>

#include "agent/sources/config_merge.hpp"
#include "agent/sources/packed_text.hpp"
#include "document/field_syntax.hpp"

namespace muster {
namespace {

using Fields = std::map<std::string, YAML::Node>;

bool says_yes(const Fields& entry, const std::string& field) {
  const auto found = entry.find(field);
  if (found == entry.end() || !found->second.IsScalar()) return false;
  const std::string word = lower_case(found->second.Scalar());
  return word == "true" || word == "1" || word == "on" || word == "yes";
}

// As os.path.abspath from the root; empty: no path.
std::string path_of(const Fields& entry) {
  const auto found = entry.find("path");
  if (found == entry.end() || !found->second.IsScalar() || found->second.Scalar().empty())
    return {};
  std::string path =
      (std::filesystem::path("/") / found->second.Scalar()).lexically_normal().string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// What its content is packed in, the outermost first.
struct Packing {
  bool base64 = false;
  bool gzip = false;
};

Packing packing_of(const Fields& entry) {
  const auto found = entry.find("encoding");
  std::string how = found != entry.end() && found->second.IsScalar()
                        ? lower_case(found->second.Scalar())
                        : std::string();
  how.erase(0, std::min(how.find_first_not_of(" \t\n"), how.size()));
  how.resize(how.find_last_not_of(" \t\n") + 1);
  static const std::map<std::string, Packing> known = {
      {"gz", {false, true}},      {"gzip", {false, true}},      {"b64", {true, false}},
      {"base64", {true, false}},  {"gz+b64", {true, true}},     {"gz+base64", {true, true}},
      {"gzip+b64", {true, true}}, {"gzip+base64", {true, true}}};
  const auto found_packing = known.find(how);  // another word is text for cloud-init
  return found_packing == known.end() ? Packing() : found_packing->second;
}

Result<std::string> content_of(const Fields& entry) {
  const auto found = entry.find("content");
  if (found == entry.end()) return std::string();
  const YAML::Node& content = found->second;
  if (!is_text(content)) return fail(ErrorKind::invalid, "expected 'content' as text");
  std::string bytes = content.Scalar();
  if (content.Tag() == "tag:yaml.org,2002:binary") {
    auto plain = lenient_base64(bytes, Padding::needed);
    if (!plain) return plain;
    bytes = std::move(*plain);
  }
  const Packing packing = packing_of(entry);
  if (packing.base64) {
    auto plain = lenient_base64(bytes, Padding::needed);
    if (!plain) return plain;
    bytes = std::move(*plain);
  }
  return packing.gzip ? gunzip(bytes) : Result<std::string>(std::move(bytes));
}

}  // namespace

Result<std::optional<WrittenFile>> written_file(std::string_view where,
                                                const YAML::Node& write_files,
                                                std::string_view path) {
  std::optional<WrittenFile> written;
  if (!write_files.IsSequence()) return written;
  std::optional<Error> end;  // the first entry at which cloud-init ends
  bool is_ours = false;
  for (const bool deferred : {false, true}) {
    for (const auto& node : write_files) {
      const auto line = node.Mark().line + 1;
      const auto refuse = [&](std::string_view problem) {
        if (!end)
          end = Error(ErrorKind::invalid, fmt::format("{}: line {}: {}", where, line, problem));
      };
      if (!node.IsMap()) {
        refuse("expected a mapping with 'path' and 'content' in 'write_files'");
        continue;
      }
      const auto entry = fields_of(node);
      if (!entry) return pass(entry.error());
      if (says_yes(*entry, "defer") != deferred) continue;
      const std::string target = path_of(*entry);
      if (target.empty()) continue;
      is_ours = is_ours || target == path;
      auto content = content_of(*entry);
      if (!content) {
        refuse(fmt::format("{}: {}", target, content.error().message));
        continue;
      }
      if (target != path) continue;
      const bool appends = written && says_yes(*entry, "append");
      written = WrittenFile{line, appends ? written->content + *content : *content};
    }
  }
  if (end && is_ours) return pass(*end);
  return written;
}

}  // namespace muster
