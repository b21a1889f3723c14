#include <CLI/CLI.hpp>
#include <cstdio>

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

Result<void> send_files(Session& session, const std::string& place, const ReleaseSource& source) {
  for (const auto& artifact : source.release.artifacts) {
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

Exit import(Session& session, const std::string& place) {
  const auto source = open_release_source(place);
  if (!source) return complain(session, source.error());
  const Release* release = &source->release;
  auto catalogue = session.ask("GET", "releases");
  if (!catalogue) return complain(session, catalogue.error());
  const bool known = is_there(*catalogue, *release);
  if (!known) {
    if (auto sent = send_files(session, place, *source); !sent)
      return complain(session, sent.error());
  }
  print(session.wants_json() ? nlohmann::json{{"name", release->name},
                                              {"version", release->version},
                                              {"manifestDigest", digest(*release)},
                                              {"imported", !known}}
                                       .dump(2) +
                                   "\n"
                             : fmt::format("{} {}: {}\n", release->name, release->version,
                                           known ? "already there" : "imported"));
  return Exit::ok;
}

std::string releases_text(const nlohmann::json& answer) {
  Table table({"NAME", "VERSION", "SIZE", "MANIFEST"});
  for (const auto& row : list_at(answer, "/releases")) {
    table.row({cell(row, "/name"), cell(row, "/version"),
               fmt::format("{:.1f} MB", static_cast<double>(number_at(row, "/size")) / 1e6),
               cell(row, "/manifestDigest")});
  }
  return table.text();
}

}  // namespace

void add_release_commands(CommandLine& line) {
  auto* group =
      line.app.add_subcommand("release", "What machines run: versioned sets of verified files");
  group->require_subcommand(1);
  auto folders = std::make_shared<std::vector<std::string>>();

  auto* add =
      group->add_subcommand("import", "sends a release's files and manifest to the server's store");
  add->add_option("DIR|URL", *folders, "folders, or web addresses of such, with release.json")
      ->required();
  add->footer(
      "Importing it again changes nothing.\nExample: muster release import /var/cache/muster/releases/etcd/3.6.16");
  line.on(add, [folders](Session& session) {
    for (const std::string& folder : *folders) {
      if (const Exit exit = import(session, folder); exit != Exit::ok) return exit;
    }
    return Exit::ok;
  });

  auto* list = group->add_subcommand("list", "the server's catalogue");
  list->footer("Example: muster release list");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "releases", nullptr, releases_text);
  });

  auto* prune =
      group->add_subcommand("prune", "removes releases and files that no document refers to");
  prune->footer("Example: muster release prune");
  line.on(prune, [](Session& session) {
    return ask_and_show(session, "POST", "releases/prune", nlohmann::json::object(),
                        [](const nlohmann::json& answer) {
                          return fmt::format("removed {} release(s), {} file(s)\n",
                                             list_at(answer, "/releases").size(),
                                             cell(answer, "/artifacts"));
                        });
  });
}

}  // namespace muster
