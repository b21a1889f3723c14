#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>

#include "cli/answer.hpp"
#include "cli/away_signing.hpp"
#include "cli/change_list.hpp"
#include "cli/checked_folder.hpp"
#include "cli/convergence_wait.hpp"
#include "cli/session.hpp"
#include "cli/time_span.hpp"
#include "document/utf8.hpp"
#include "pki/key_file.hpp"

namespace muster {
namespace {

struct ApplyOptions {
  std::string folder;
  std::string document_key;
  std::vector<std::string> based_on;  // CLUSTER=REVISION, or REVISION where DIR names one cluster
  std::vector<std::string> upgrades;  // names of releases
  std::string timeout = "10m";
  bool remove = false, wait = false, strict = false;
};

// The revisions that this apply is based on. What --based-on does not name is what is published
// now: then only a publication between this question and the next is refused.
Result<nlohmann::json> base_revisions(Session& session, const std::vector<std::string>& given,
                                      const std::vector<std::string>& clusters) {
  nlohmann::json revisions = nlohmann::json::object();
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    const bool is_named = equals != std::string::npos;
    const std::string cluster = is_named ? text.substr(0, equals) : clusters.front();
    const bool is_known = std::find(clusters.begin(), clusters.end(), cluster) != clusters.end();
    if (!is_known || (!is_named && clusters.size() > 1)) {
      return fail(
          ErrorKind::invalid,
          fmt::format(
              "--based-on: expected CLUSTER=REVISION with a cluster of the folder ({}), found '{}'",
              fmt::join(clusters, ", "), text));
    }
    revisions[cluster] = text.substr(is_named ? equals + 1 : 0);
  }
  for (const std::string& cluster : clusters) {
    if (revisions.contains(cluster)) continue;
    auto answer = session.ask("GET", "revisions?cluster=" + escape(cluster));
    const bool is_new = !answer && answer.error().kind == ErrorKind::not_found;
    if (!answer && !is_new) return pass(answer.error());
    revisions[cluster] = is_new ? std::string() : cell(*answer, "/current");
  }
  return revisions;
}

std::vector<std::string> clusters_in(const nlohmann::json& answer) {
  std::vector<std::string> clusters;
  const auto revisions = answer.find("revisions");
  if (revisions == answer.end()) return clusters;
  for (const auto& [cluster, revision] : revisions->items()) clusters.push_back(cluster);
  return clusters;
}

std::string outcome_text(const nlohmann::json& answer, bool dry_run) {
  std::string text = changes_text(answer);
  for (const std::string& cluster : clusters_in(answer)) {
    const auto revision = cell(answer, (dry_run ? "/basedOn/" : "/revisions/") + cluster);
    text += fmt::format("{}: {} {}\n", cluster, dry_run ? "compared with revision" : "revision",
                        revision.empty() ? "none" : numbered(answer, cluster, revision));
  }
  return text;
}

// The server reads the files: it knows those that did not change. Here they are read where they are
// signed, where somebody tells what they are based on, and where JSON would spoil them.
bool is_read_here(const ApplyOptions& options, const InventoryFiles& files) {
  return !options.document_key.empty() || !options.based_on.empty() ||
         std::any_of(files.begin(), files.end(), [](const auto& file) {
           return find_bad_byte(file.second) != std::string_view::npos;
         });
}

// What the order says of the clusters that are read here.
std::optional<Exit> add_clusters(Session& session, const ApplyOptions& options,
                                 const Inventory& inventory, nlohmann::json& order) {
  std::vector<std::string> clusters;
  for (const auto& [name, cluster] : inventory.clusters) clusters.push_back(name);
  auto based_on = base_revisions(session, options.based_on, clusters);
  if (!based_on) {
    const Exit failed = complain(session, based_on.error());
    return based_on.error().kind == ErrorKind::invalid ? Exit::usage : failed;
  }
  order["clusters"] = clusters;
  order["basedOn"] = std::move(*based_on);
  if (options.document_key.empty()) return std::nullopt;
  const auto key = read_key_file(options.document_key);
  if (!key) return complain(session, while_doing(key.error(), "--document-key").value());
  auto signatures = sign_clusters(session, inventory, options.upgrades, *key);
  if (!signatures) return signatures.error();
  order["signatures"] = std::move(*signatures);
  return std::nullopt;
}

Exit apply(Session& session, const ApplyOptions& options, bool dry_run) {
  const auto longest = time_span(session, "--timeout", options.timeout);
  if (!longest) return Exit::usage;
  const auto warnings = options.strict ? Warnings::refused : Warnings::told;
  auto files = read_folder(options.folder);
  if (!files) return complain(session, files.error());
  nlohmann::json order = {{"clusters", nlohmann::json::array()}, {"remove", options.remove}};
  if (!options.upgrades.empty()) order["upgrade"] = options.upgrades;
  std::vector<InventoryProblem> told;
  if (is_read_here(options, *files)) {
    const auto folder = check_read_files(session, *files, warnings);
    if (!folder) return folder.error();
    told = folder->inventory.warnings;
    if (const auto failed = add_clusters(session, options, folder->inventory, order))
      return *failed;
  } else {
    order["onCurrent"] = true;
  }
  order["files"] = std::move(*files);
  // With --strict nothing may be published before the server's own warnings are known.
  order["dryRun"] = dry_run || options.strict;
  auto answer = session.ask("POST", "apply", order);
  if (!answer) return show_refusal(session, answer.error());
  const auto further = further_warnings(*answer, told);
  if (auto said = tell_warnings(session, further, warnings); !said) return said.error();
  if (options.strict && !dry_run) {
    order["dryRun"] = false;
    answer = session.ask("POST", "apply", order);
    if (!answer) return show_refusal(session, answer.error());
  }
  print(session.wants_json() ? json_text(*answer) : outcome_text(*answer, dry_run));
  if (!options.wait) return Exit::ok;
  std::fflush(stdout);
  return await_convergence(session, ordered_by(*answer), std::chrono::seconds(*longest));
}

void add_common_options(CLI::App* command, const std::shared_ptr<ApplyOptions>& options) {
  command->add_flag("--strict", options->strict, "warnings are errors");
  command
      ->add_option(
          "--upgrade", options->upgrades,
          "releases that move to the newest in the catalogue: containerd,runc; those whose version the inventory does not write stay as they are otherwise")
      ->delimiter(',');
}

}  // namespace

void add_apply_commands(CommandLine& line) {
  auto options = std::make_shared<ApplyOptions>();
  auto* diff = line.app.add_subcommand(
      "diff", "Lists per machine what apply would change, and what it costs");
  diff->add_option("DIR", options->folder, "the inventory's folder")->required();
  diff->add_flag("--remove", options->remove, "as apply --remove would do it");
  add_common_options(diff, options);
  diff->footer("Example: muster diff ./racks");
  line.on(diff, [options](Session& session) { return apply(session, *options, true); });

  auto* publish = line.app.add_subcommand(
      "apply", "Compiles, signs and publishes; an invalid inventory changes nothing");
  publish->add_option("DIR", options->folder, "the inventory's folder")->required();
  publish->add_flag(
      "--remove", options->remove,
      "machines that are no longer in the inventory are removed: what runs on them goes on (drain them before, reset them after)");
  add_common_options(publish, options);
  publish->add_option("--based-on", options->based_on,
                      "[CLUSTER=]REVISION that diff showed: refused if another is published");
  publish->add_option(
      "--document-key", options->document_key,
      "compiles and signs here with this key (PEM file, see muster document-key); without it the server signs");
  publish->add_flag(
      "--wait", options->wait,
      "until it is in effect on every machine, or one failed; names those where it is not");
  publish->add_option("--timeout", options->timeout, "how long to wait: 90s, 10m, 2h")
      ->capture_default_str();
  publish->footer(
      "Owns exactly the clusters that DIR names. Refused if another revision was published meanwhile.\nExample: muster apply ./racks");
  line.on(publish, [options](Session& session) { return apply(session, *options, false); });
}

}  // namespace muster
