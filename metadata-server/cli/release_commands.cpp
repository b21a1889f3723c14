#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <set>

#include "cli/answer.hpp"
#include "cli/release_source.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

bool is_there(const nlohmann::json& catalogue, const Release& release) {
  for (const auto& row : list_at(catalogue, "/releases")) {
    if (cell(row, "/name") == release.name && cell(row, "/version") == release.version &&
        cell(row, "/manifestDigest") == digest(release)) {
      return true;
    }
  }
  return false;
}

std::string path_of(const std::string& name, const std::string& version) {
  return fmt::format("releases/{}/{}", escape(name), escape(version));
}

// Digests of what the server has no sound file of, though the release is in its catalogue.
Result<std::set<std::string>> lacking(Session& session, const Release& release) {
  const auto answer = session.ask("POST", path_of(release.name, release.version) + "/verify");
  if (!answer) return pass(answer.error());
  std::set<std::string> digests;
  for (const auto& problem : list_at(*answer, "/problems"))
    digests.insert(cell(problem, "/digest"));
  return digests;
}

Result<void> send_files(Session& session, const std::string& place, const ReleaseSource& source,
                        const std::optional<std::set<std::string>>& wanted) {
  for (const auto& artifact : source.release.artifacts) {
    if (wanted && !wanted->contains(artifact.digest)) continue;
    if (!session.wants_json())
      std::fprintf(stderr, "%s (%.1f MB)\n", artifact.path.c_str(),
                   static_cast<double>(artifact.size) / 1e6);
    const auto file = source.file(artifact);
    if (!file) return pass(file.error());
    auto sent = session.upload("artifacts/" + artifact.digest, *file);
    if (!sent) return while_doing(sent.error(), place + "/" + artifact.path);
  }
  // The manifest last: a release is in the catalogue only when all its bytes are there.
  auto made = session.ask("POST", "releases",
                          nlohmann::json::parse(to_canonical_json(source.release), nullptr, false));
  if (!made) return pass(made.error());
  return {};
}

// Sends what the server lacks: all of it, or of a release that is in its catalogue the files that
// it lost. How many these were; nothing where the release is new.
Result<std::optional<std::size_t>> send(Session& session, const std::string& place,
                                        const ReleaseSource& source) {
  const auto catalogue = session.ask("GET", "releases");
  if (!catalogue) return pass(catalogue.error());
  std::optional<std::set<std::string>> wanted;
  if (is_there(*catalogue, source.release)) {
    auto found = lacking(session, source.release);
    if (!found) return pass(found.error());
    wanted = std::move(*found);
  }
  if (!wanted || !wanted->empty()) {
    if (auto sent = send_files(session, place, source, wanted); !sent) return pass(sent.error());
  }
  return wanted ? std::optional(wanted->size()) : std::nullopt;
}

// Adds to `rows` what became of it.
Exit import(Session& session, const std::string& place, nlohmann::json& rows) {
  const auto source = open_release_source(place);
  if (!source) return complain(session, source.error());
  const Release* release = &source->release;
  const auto restored = send(session, place, *source);
  if (!restored) return complain(session, restored.error());
  rows.push_back({{"name", release->name},
                  {"version", release->version},
                  {"manifestDigest", digest(*release)},
                  {"imported", !restored->has_value()},
                  {"restored", restored->value_or(0)}});
  if (session.wants_json()) return Exit::ok;
  std::string word = "imported";
  if (*restored) word = "already there";
  if (restored->value_or(0) > 0)
    word = fmt::format("{} file(s) were missing or damaged on the server, and are there again",
                       **restored);
  print(fmt::format("{} {}: {}\n", release->name, release->version, word));
  return Exit::ok;
}

// In their order, up to the first that fails.
Exit import_all(Session& session, const std::vector<std::string>& places) {
  nlohmann::json rows = nlohmann::json::array();
  Exit exit = Exit::ok;
  for (const std::string& place : places) {
    exit = import(session, place, rows);
    if (exit != Exit::ok) break;
  }
  if (session.wants_json()) print(json_text({{"releases", rows}}));
  return exit;
}

std::string releases_text(const nlohmann::json& answer) {
  Table table({"NAME", "VERSION", "SIZE", "MANIFEST"});
  std::string notes;
  for (const auto& row : list_at(answer, "/releases")) {
    table.row({cell(row, "/name"), cell(row, "/version"),
               fmt::format("{:.1f} MB", static_cast<double>(number_at(row, "/size")) / 1e6),
               cell(row, "/manifestDigest")});
    if (number_at(row, "/missing") == 0) continue;
    notes += fmt::format(
        "{} {}: {} file(s) are not on the server's disk; bring them back with muster release import\n",
        cell(row, "/name"), cell(row, "/version"), cell(row, "/missing"));
  }
  return table.text() + notes;
}

struct ReleaseOptions {
  std::vector<std::string> places;
  std::string name, version;
  bool yes = false;
};

// Each release of the catalogue that is meant is read whole, on the server.
Exit verify(Session& session, const ReleaseOptions& options) {
  const auto catalogue = session.ask("GET", "releases");
  if (!catalogue) return complain(session, catalogue.error());
  nlohmann::json rows = nlohmann::json::array();
  std::string text;
  std::size_t releases = 0;
  for (const auto& row : list_at(*catalogue, "/releases")) {
    const std::string name = cell(row, "/name"), version = cell(row, "/version");
    if (!options.name.empty() && name != options.name) continue;
    if (!options.version.empty() && version != options.version) continue;
    const auto answer = session.ask("POST", path_of(name, version) + "/verify");
    if (!answer) return complain(session, answer.error());
    ++releases;
    for (const auto& problem : list_at(*answer, "/problems"))
      text += fmt::format("{} {}: {}: {}\n", name, version, cell(problem, "/path"),
                          cell(problem, "/found"));
    rows.push_back(*answer);
  }
  if (releases == 0 && !options.name.empty()) {
    return complain(
        session,
        {ErrorKind::not_found,
         fmt::format(
             "release {}: not in the catalogue; `muster release list` shows what is",
             options.version.empty() ? options.name : options.name + " " + options.version)});
  }
  const bool is_sound = text.empty();
  if (!is_sound) text += "bring them back with muster release import\n";
  print(session.wants_json()
            ? json_text({{"releases", rows}})
            : text + fmt::format("{} release(s) read{}\n", releases, is_sound ? ", sound" : ""));
  return is_sound ? Exit::ok : Exit::failed;
}

std::string pruned_text(const nlohmann::json& answer) {
  const bool is_done = cell(answer, "/dryRun").empty();
  std::string text;
  for (const auto& row : list_at(answer, "/releases")) {
    text += fmt::format("{} {} {}\n", is_done ? "removed" : "would remove", cell(row, "/name"),
                        cell(row, "/version"));
  }
  return text + fmt::format("{} release(s), {} file(s), {:.1f} MB{}\n",
                            list_at(answer, "/releases").size(), cell(answer, "/artifacts"),
                            static_cast<double>(number_at(answer, "/bytes")) / 1e6,
                            is_done ? " removed" : "; nothing was removed: repeat with --yes");
}

void add_removals(CommandLine& line, CLI::App* group,
                  const std::shared_ptr<ReleaseOptions>& options) {
  auto* remove = group->add_subcommand("remove", "takes one out of the catalogue");
  remove->add_option("NAME", options->name, "as release list shows it")->required();
  remove->add_option("VERSION", options->version, "as release list shows it")->required();
  remove->footer(
      "Refused where machines are served it, or a kept revision needs it. Its files go with the next prune.\n"
      "Example: muster release remove containerd 2.9.0");
  line.on(remove, [options](Session& session) {
    return ask_and_show(session, "DELETE", path_of(options->name, options->version), nullptr,
                        [options](const nlohmann::json&) {
                          return fmt::format("{} {}: removed\n", options->name, options->version);
                        });
  });

  auto* prune = group->add_subcommand(
      "prune", "shows which releases and files nothing refers to; with --yes they go");
  prune->add_flag("--yes", options->yes, "remove them");
  prune->footer(
      "The newest of each name stays, and what a kept revision needs.\n"
      "Example: muster release prune --yes");
  line.on(prune, [options](Session& session) {
    return ask_and_show(session, "POST", "releases/prune", {{"dryRun", !options->yes}},
                        pruned_text);
  });
}

}  // namespace

void add_release_commands(CommandLine& line) {
  auto* group =
      line.app.add_subcommand("release", "What machines run: versioned sets of verified files");
  group->require_subcommand(1);
  auto options = std::make_shared<ReleaseOptions>();

  auto* add =
      group->add_subcommand("import", "sends a release's files and manifest to the server's store");
  add->add_option("DIR|URL", options->places,
                  "folders, or web addresses of such, with release.json")
      ->required();
  add->footer(
      "Importing it again sends what the server lost, or nothing. Clusters do not move to it by themselves: muster apply --upgrade NAME.\nExample: muster release import /var/cache/muster/releases/etcd/3.6.16");
  line.on(add, [options](Session& session) { return import_all(session, options->places); });

  auto* list = group->add_subcommand("list", "the server's catalogue");
  list->footer("Example: muster release list");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "releases", nullptr, releases_text);
  });

  auto* check = group->add_subcommand("verify", "reads every file of them on the server");
  check->add_option("NAME", options->name, "only this one");
  check->add_option("VERSION", options->version, "and only in this version");
  check->footer("Example: muster release verify etcd");
  line.on(check, [options](Session& session) { return verify(session, *options); });
  add_removals(line, group, options);
}

}  // namespace muster
