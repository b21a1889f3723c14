#include "agent/sources/user_data.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>

#include "agent/paths.hpp"
#include "agent/sources/config_merge.hpp"
#include "agent/sources/mime_parts.hpp"
#include "agent/sources/packed_text.hpp"
#include "agent/sources/user_data_parts.hpp"
#include "agent/sources/written_file.hpp"
#include "document/utf8.hpp"

namespace muster {
namespace {

using Kind = UserDataPart::Kind;

tl::unexpected<Error> refused(std::string_view what, int line, std::string_view problem) {
  return fail(ErrorKind::invalid, fmt::format("{}: line {}: {}", what, line, problem));
}

// What text of another kind is, without repeating any of it: it may hold a secret.
std::string_view kind_of(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with("\xef\xbb\xbf"))
    return "a byte order mark, which cloud-init does not take either: save it without one";
  if (text.starts_with("#!")) return "a script";
  if (text.starts_with("#include")) return "a list of URLs ('#include')";
  if (text.starts_with("## template:")) return "a template of something else";
  if (text.starts_with("#cloud-")) return "another '#cloud-' format";
  if (text.starts_with("Content-Type:"))
    return "MIME without the header 'MIME-Version: 1.0', by which cloud-init knows it";
  return "something else";
}

// The `write_files` of all parts, joined as cloud-init joins them.
class Reading {
 public:
  // `is_whole`: there are no parts.
  Reading(std::string_view what, bool is_whole) : what_(what), is_whole_(is_whole) {}

  void take(const UserDataPart& part) {
    const bool may_write = part.text.find("write_files") != std::string::npos;
    if (part.kind == Kind::include) {
      undecided_.emplace(part.line, "'#include' fetches what may replace 'write_files'");
    } else if (part.kind == Kind::jinja && may_write) {
      undecided_.emplace(part.line, "a template with something to fill in writes files");
    } else if (part.kind == Kind::json_patch && touches_files(part.text)) {
      undecided_.emplace(part.line, "'#cloud-config-jsonp' changes 'write_files'");
    } else if (part.kind == Kind::cloud_config) {
      if (auto done = take_config(part); !done && !broken_) broken_ = done.error();
    }
  }

  [[nodiscard]] Result<SettingsLayer> settings() const {
    if (undecided_) {
      return refused(
          what_, undecided_->first,
          fmt::format(
              "{}: expected a '#cloud-config' that writes {} after it (in parts of MIME, without Merge-Type), found none",
              undecided_->second, paths::settings));
    }
    std::optional<WrittenFile> file;
    if (files_) {
      auto written =
          guarded(where_, [&] { return written_file(where_, *files_, paths::settings); });
      if (!written) return pass(written.error());
      file = std::move(*written);
    }
    if (file) return parse_settings_layer(place_of(*file), file->content);
    if (broken_) return pass(*broken_);
    return fail(ErrorKind::invalid,
                fmt::format("{}: expected {} in 'write_files' of '#cloud-config', found none",
                            what_, paths::settings));
  }

 private:
  // What yaml-cpp throws is a problem of the text.
  template <class Work>
  static auto guarded(std::string_view where, const Work& work) -> decltype(work()) {
    try {
      return work();
    } catch (const YAML::Exception& error) {
      return refused(where, error.mark.line + 1, fmt::format("expected YAML: {}", error.msg));
    } catch (const std::exception& error) {
      return fail(ErrorKind::internal, fmt::format("{}: reading YAML: {}", where, error.what()));
    }
  }

  // cloud-init passes over a part that it cannot read.
  Result<void> take_config(const UserDataPart& part) {
    const std::string where =
        is_whole_ ? std::string(what_) : fmt::format("{}: part of line {}", what_, part.line);
    const auto bad = find_bad_byte(part.text);
    if (bad != std::string::npos) {
      const auto line = 1 + std::count(part.text.begin(),
                                       part.text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
      return refused(
          where, static_cast<int>(line),
          "expected ASCII, or the part in base64: cloud-init passes over it as it is (Content-Transfer-Encoding: base64)");
    }
    return guarded(where, [&] { return join(part, where); });
  }

  Result<void> join(const UserDataPart& part, const std::string& where) {
    // Where yaml-cpp takes more than PyYAML, and less.
    if (const auto blanks = part.text.substr(0, part.text.find_first_not_of(" \t\r\n"));
        blanks.find('\t') != std::string::npos) {
      return refused(where, 1, "expected YAML, found a tab before its first word");
    }
    const auto documents = YAML::LoadAll(with_line_feeds(part.text));
    if (documents.size() > 1) return refused(where, 1, "expected one document of YAML, found more");
    if (documents.empty() || !documents.front().IsMap()) return {};
    const auto fields = fields_of(documents.front());
    if (!fields) return while_doing(fields.error(), where);
    const auto mergers = mergers_of(*fields, part.merge_how);
    if (!mergers) return while_doing(mergers.error(), where);
    MaybeNode next;
    if (const auto found = fields->find("write_files"); found != fields->end())
      next.emplace(found->second);
    if (!next) return {};
    auto joined = merged_key(*mergers, files_, next);
    if (!joined) return while_doing(joined.error(), where);
    if (replaces(*mergers)) undecided_.reset();
    where_ = !files_ || replaces(*mergers) ? where : fmt::format("{}: joined parts", what_);
    files_.reset();
    if (*joined) files_.emplace(**joined);
    return {};
  }

  static std::string with_line_feeds(std::string text) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) text[i] = '\n';
    return text;
  }

  static bool touches_files(const std::string& text) {
    const auto start = text.find('[');
    const auto patch = start == std::string::npos
                           ? nlohmann::json()
                           : nlohmann::json::parse(text.substr(start), nullptr, false);
    if (!patch.is_array()) return false;  // cloud-init passes over it
    return std::any_of(patch.begin(), patch.end(), [](const nlohmann::json& step) {
      const auto names_files = [&](const char* field) {
        if (!step.is_object() || !step.contains(field) || !step[field].is_string()) return false;
        const auto pointer = step[field].get<std::string>();
        return pointer.empty() || pointer.starts_with("/write_files");
      };
      return names_files("path") || names_files("from");
    });
  }

  [[nodiscard]] std::string place_of(const WrittenFile& file) const {
    return file.line > 0 ? fmt::format("{}: line {}: {}", where_, file.line, paths::settings)
                         : fmt::format("{}: {}", where_, paths::settings);
  }

  std::string_view what_;
  bool is_whole_;
  MaybeNode files_;
  std::string where_;            // what wrote them
  std::optional<Error> broken_;  // the first that could not be read
  std::optional<std::pair<int, std::string_view>> undecided_;
};

// Of text that is no MIME, JSON or an archive, say.
Result<void> check_text(std::string_view what, std::string_view text) {
  const auto bad = find_bad_byte(text);
  if (bad == std::string_view::npos) return {};
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(bad), '\n');
  return refused(what, static_cast<int>(line),
                 fmt::format("expected UTF-8 text, found byte {:#04x}",
                             static_cast<unsigned char>(text[bad])));
}

Result<std::string> unpacked(std::string_view what, std::string_view text) {
  std::string plain(text);
  if (is_gzip(text)) {
    auto unzipped = gunzip(text);
    if (!unzipped) return refused(what, 1, unzipped.error().message);
    plain = std::move(*unzipped);
  }
  if (plain.empty()) {
    return fail(ErrorKind::invalid,
                fmt::format("{}: expected the agent's settings, found no text", what));
  }
  if (auto sound = check_text(what, plain); !sound) return pass(sound.error());
  return plain;
}

}  // namespace

Result<SettingsLayer> settings_in_user_data(std::string_view what, std::string_view text) {
  const auto plain = unpacked(what, text);
  if (!plain) return pass(plain.error());
  const auto start = plain->find_first_not_of(" \t\r\n");
  if (start != std::string::npos && (*plain)[start] == '{')
    return parse_settings_layer(what, *plain);
  const auto parts = user_data_parts(what, *plain);
  if (!parts) return pass(parts.error());
  if (!is_mime(*plain) && parts->size() == 1 &&
      (parts->front().kind == Kind::other || parts->front().kind == Kind::include)) {
    return refused(
        what, 1, fmt::format("expected JSON, '#cloud-config' or MIME, found {}", kind_of(*plain)));
  }
  Reading reading(what, !is_mime(*plain) && parts->size() == 1 && parts->front().line == 1);
  for (const auto& part : *parts) reading.take(part);
  return reading.settings();
}

}  // namespace muster
