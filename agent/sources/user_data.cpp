#include "agent/sources/user_data.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>

#include "agent/paths.hpp"
#include "agent/sources/mime_parts.hpp"
#include "document/utf8.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

using Found = std::optional<SettingsLayer>;

tl::unexpected<Error> refused(std::string_view what, int line, std::string_view problem) {
  return fail(ErrorKind::invalid, fmt::format("{}: line {}: {}", what, line, problem));
}

int line_of(const YAML::Node& node) {
  return node.Mark().line + 1;
}

// What text of another kind is, without repeating any of it: it may hold a secret.
std::string_view kind_of(std::string_view text) {
  if (text.starts_with("#!")) return "a script";
  if (text.starts_with("#include")) return "a list of URLs ('#include')";
  if (text.starts_with("#cloud-")) return "another '#cloud-' format";
  return "something else";
}

// The content of agent.json's entry.
Result<std::string> content_of(std::string_view what, const YAML::Node& entry) {
  const YAML::Node content = entry["content"];
  if (!content || !content.IsScalar()) {
    return refused(what, line_of(entry),
                   fmt::format("expected 'content' of {} as text", paths::settings));
  }
  const YAML::Node encoding = entry["encoding"];
  const std::string how = encoding && encoding.IsScalar() ? encoding.Scalar() : "text/plain";
  if (how == "text/plain") return content.Scalar();
  if (how == "b64" || how == "base64") {
    std::string packed = content.Scalar();
    std::erase_if(packed, [](char c) { return c == '\n' || c == ' '; });
    auto text = base64_decode(packed);
    if (!text) return refused(what, line_of(content), "expected base64, found something else");
    return text;
  }
  return refused(what, line_of(encoding),
                 "expected 'encoding' to be text/plain, b64 or base64, found another");
}

bool is_settings_entry(const YAML::Node& entry) {
  return entry.IsMap() && entry["path"] && entry["path"].IsScalar() &&
         entry["path"].Scalar() == paths::settings;
}

// Throws what yaml-cpp throws.
Result<Found> read_cloud_config(std::string_view what, const std::string& text) {
  const YAML::Node config = YAML::Load(text);
  if (!config.IsMap() || !config["write_files"] || !config["write_files"].IsSequence())
    return Found();
  std::optional<YAML::Node> found;
  for (const auto& entry : config["write_files"]) {
    if (!is_settings_entry(entry)) continue;
    if (found) {
      return refused(what, line_of(entry),
                     fmt::format("expected {} in 'write_files' once, found it again after line {}",
                                 paths::settings, line_of(*found)));
    }
    found.emplace(entry);
  }
  if (!found) return Found();
  const auto content = content_of(what, *found);
  if (!content) return pass(content.error());
  auto layer = parse_settings_layer(
      fmt::format("{}: line {}: {}", what, line_of(*found), paths::settings), *content);
  if (!layer) return pass(layer.error());
  return Found(std::move(*layer));
}

Result<Found> in_cloud_config(std::string_view what, const std::string& text) {
  try {
    return read_cloud_config(what, text);
  } catch (const YAML::Exception& error) {
    return refused(what, error.mark.line + 1, fmt::format("expected YAML: {}", error.msg));
  } catch (const std::exception& error) {
    return fail(ErrorKind::internal, fmt::format("{}: reading YAML: {}", what, error.what()));
  }
}

// Parts of other kinds are cloud-init's business.
Result<Found> in_mime(std::string_view what, std::string_view text) {
  const auto parts = read_mime_parts(what, text);
  if (!parts) return pass(parts.error());
  Found found;
  for (const auto& part : *parts) {
    if (!part.text.starts_with("#cloud-config")) continue;
    auto layer = in_cloud_config(fmt::format("{}: part of line {}", what, part.line), part.text);
    if (!layer) return layer;
    if (*layer && found) {
      return refused(
          what, part.line,
          fmt::format("expected {} in one part, found it in another again", paths::settings));
    }
    if (*layer) found = std::move(*layer);
  }
  return found;
}

Result<void> check_text(std::string_view what, std::string_view text) {
  if (text.empty()) {
    return fail(ErrorKind::invalid,
                fmt::format("{}: expected the agent's settings, found no text", what));
  }
  const auto bad = find_bad_byte(text);
  if (bad == std::string_view::npos) return {};
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(bad), '\n');
  return refused(what, static_cast<int>(line),
                 text.starts_with("\x1f\x8b")
                     ? "expected text, found gzip"
                     : fmt::format("expected UTF-8 text, found byte {:#04x}",
                                   static_cast<unsigned char>(text[bad])));
}

}  // namespace

Result<SettingsLayer> settings_in_user_data(std::string_view what, std::string_view text) {
  if (auto sound = check_text(what, text); !sound) return pass(sound.error());
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '{') {
    return parse_settings_layer(what, text);
  }
  const bool is_parts = is_mime(text);
  if (!is_parts && !text.starts_with("#cloud-config")) {
    return refused(what, 1,
                   fmt::format("expected JSON, '#cloud-config' or MIME, found {}", kind_of(text)));
  }
  auto found = is_parts ? in_mime(what, text) : in_cloud_config(what, std::string(text));
  if (!found) return pass(found.error());
  if (*found) return std::move(**found);
  return fail(ErrorKind::invalid,
              fmt::format("{}: expected {} in 'write_files' of '#cloud-config', found none", what,
                          paths::settings));
}

}  // namespace muster
