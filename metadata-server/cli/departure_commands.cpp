#include "cli/departure_commands.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <thread>

#include "cli/answer.hpp"
#include "cli/node_cluster.hpp"
#include "cli/time_span.hpp"

namespace muster {
namespace {

struct Departure {
  std::string name, cluster, timeout = "10m";
  bool no_drain = false, wait = false;
};

// To stderr: the answer is what scripts read.
void tell(const std::string& text) {
  std::fputs((text + "\n").c_str(), stderr);
}

std::string progress_text(const nlohmann::json& answer) {
  const std::string waits = cell(answer, "/drain/message");
  return printable(cell(answer, "/node") + ": " + cell(answer, "/state") +
                   (waits.empty() ? "" : ": " + waits));
}

// Asks until `is_over` says so of the answer, and tells what changes. A machine of which nothing is
// left is over, too.
template <class Over>
Exit watch(Session& session, const Departure& order, Over is_over) {
  std::string told;
  for (;;) {
    auto answer = session.ask("GET", node_path(order.cluster, order.name));
    if (!answer && answer.error().kind == ErrorKind::not_found) {
      tell(order.name + ": nothing is left of it");
      return Exit::ok;
    }
    if (!answer) return complain(session, answer.error());
    if (auto text = progress_text(*answer); text != told) tell(told = std::move(text));
    if (const std::optional<Exit> over = is_over(*answer)) return *over;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

// Somebody took the order back, or another took its place: what is waited for does not come.
Exit tell_overtaken(const nlohmann::json& answer, const std::string& what) {
  tell(fmt::format("muster: {}/{}: {} while this waited; see `muster audit --node {}`",
                   printable(cell(answer, "/cluster")), printable(cell(answer, "/node")), what,
                   printable(cell(answer, "/node"))));
  return Exit::not_in_effect;
}

std::optional<Exit> drain_is_over(const nlohmann::json& answer) {
  const std::string phase = cell(answer, "/drain/phase");
  if (phase == "drained") return Exit::ok;
  if (phase == "draining") return std::nullopt;
  if (phase.empty()) return tell_overtaken(answer, "its drain was taken back");
  return Exit::failed;  // given up
}

std::optional<Exit> removal_is_over(const nlohmann::json& answer) {
  const std::string state = cell(answer, "/state"), phase = cell(answer, "/drain/phase");
  if (state == "left") return Exit::ok;
  // Whatever else there is to say of it: it may be frozen, or its identity over.
  if (state == "leaving" || cell(answer, "/drain/remove") == "yes") return std::nullopt;
  if (phase.empty()) return tell_overtaken(answer, "its removal was taken back");
  if (phase == "drain-given-up") return Exit::failed;
  return tell_overtaken(answer, "a drain took the place of its removal");
}

// As the server has it.
const TimeLimits drain_limits{"1m", "24h"};

Exit drain(Session& session, Departure order, const std::string& verb) {
  const auto seconds = time_span(session, "--timeout", order.timeout, drain_limits);
  if (!seconds) return Exit::usage;
  auto found = cluster_of(session, order.cluster, order.name);
  if (!found) return complain(session, found.error());
  order.cluster = *found;
  const bool is_drain = verb == "drain";
  nlohmann::json body = nlohmann::json::object();
  if (is_drain) body["timeoutSeconds"] = *seconds;
  const auto ordered = ask_and_show(
      session, "POST", node_path(order.cluster, order.name) + "/" + verb, body,
      [&](const nlohmann::json&) {
        return fmt::format("{}/{}: {}\n", order.cluster, order.name,
                           is_drain ? "it takes no more pods; those that it has are sent away"
                                    : "it takes pods again");
      });
  if (ordered != Exit::ok || !is_drain || !order.wait) return ordered;
  return watch(session, order, drain_is_over);
}

std::string removal_text(const nlohmann::json& answer) {
  const std::string who = cell(answer, "/cluster") + "/" + cell(answer, "/node");
  if (!cell(answer, "/draining").empty()) {
    return fmt::format("{}: drained first, then removed; `muster node show` tells how far it is\n",
                       who);
  }
  const std::string reason = cell(answer, "/undrained");
  return fmt::format("{}: removed{}\n", who, reason.empty() ? "" : ", undrained: " + reason);
}

Exit remove(Session& session, Departure order) {
  const auto seconds = time_span(session, "--timeout", order.timeout, drain_limits);
  if (!seconds) return Exit::usage;
  auto found = cluster_of(session, order.cluster, order.name);
  if (!found) return complain(session, found.error());
  order.cluster = *found;
  const auto ordered =
      ask_and_show(session, "POST", node_path(order.cluster, order.name) + "/remove",
                   {{"drain", !order.no_drain}, {"timeoutSeconds", *seconds}}, removal_text);
  if (ordered != Exit::ok || !order.wait) return ordered;
  return watch(session, order, removal_is_over);
}

}  // namespace

void add_departure_commands(CommandLine& line, CLI::App& group) {
  auto options = std::make_shared<Departure>();
  const auto command = [&](const char* name, const char* help, const char* footer) {
    auto* made = group.add_subcommand(name, help);
    made->add_option("NAME", options->name, "the node's name")->required();
    made->add_option("--cluster", options->cluster,
                     "where several clusters have a node of that name");
    made->footer(footer);
    return made;
  };
  const auto waits = [&](CLI::App* made) {
    made->add_option("--timeout", options->timeout,
                     "how long its pods may take, 1m to 24h: 90s, 10m, 2h")
        ->capture_default_str();
    made->add_flag("--wait", options->wait, "until it is done, telling how far it is");
  };

  auto* drained = command(
      "drain", "sends its pods away, by their disruption budgets",
      "It takes no pods until `muster node undrain`, which also takes back a drain that goes on.\n"
      "Example: muster node drain n1 --wait");
  waits(drained);
  line.on(drained, [options](Session& session) { return drain(session, *options, "drain"); });

  auto* undrained = command("undrain", "lets it take pods again; takes a removal back, too",
                            "Example: muster node undrain n1");
  line.on(undrained, [options](Session& session) { return drain(session, *options, "undrain"); });

  auto* removed = command(
      "remove", "drains a pool's machine, then forgets it",
      "Also forgets what is left of one that the inventory no longer lists. Its name, address and pod network are free some minutes later.\n"
      "Example: muster node remove ci-3 --cluster lab --wait");
  waits(removed);
  removed->add_flag("--no-drain", options->no_drain, "at once, whatever runs on it");
  line.on(removed, [options](Session& session) { return remove(session, *options); });
}

}  // namespace muster
