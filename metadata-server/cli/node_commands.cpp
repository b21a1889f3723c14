#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <limits>

#include "cli/answer.hpp"
#include "cli/departure_commands.hpp"
#include "cli/node_cluster.hpp"
#include "cli/node_text.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

using Text = std::shared_ptr<std::string>;

// Asks about or orders something of one node, found by its name where the cluster is not given.
Exit ask_of_node(Session& session, const Text& cluster, const Text& name, const std::string& method,
                 const std::string& order, const nlohmann::json& body,
                 const std::function<std::string(const nlohmann::json&)>& show) {
  auto found = cluster_of(session, *cluster, *name);
  if (!found) return complain(session, found.error());
  *cluster = *found;
  return ask_and_show(session, method, node_path(*cluster, *name) + order, body, show);
}

// Its own word is about the document that it had when it reported; a newer one may be published.
std::string standing_text(const nlohmann::json& row) {
  const std::string verdict = cell(row, "/verdict"), standing = cell(row, "/standing");
  return standing == "reset" || (verdict == "converged" && standing == "converging") ? standing
                                                                                     : verdict;
}

std::string nodes_text(const nlohmann::json& answer) {
  Table table({"CLUSTER", "NAME", "ROLE", "ADDRESS", "STATE", "VERDICT", "GENERATION", "PENDING",
               "TURN", "SEEN", "REASON"});
  for (const auto& row : list_at(answer, "/nodes")) {
    const auto pending = list_at(row, "/pending").size();
    table.row({cell(row, "/cluster"), cell(row, "/node"), cell(row, "/role"), cell(row, "/address"),
               cell(row, "/state"), standing_text(row), cell(row, "/generation"),
               pending == 0 ? "" : std::to_string(pending), cell(row, "/turn/state"),
               time_text(row, "/seenAt"), cell(row, "/reason")});
  }
  std::string text = table.text();
  for (const auto& row : list_at(answer, "/banned")) {
    const std::string reason = on_one_line(cell(row, "/reason"));
    text +=
        printable(fmt::format(
            "{0}/{1}: banned, and no machine has the name: {2}; `muster unban {1} --cluster {0}` lets it in again",
            cell(row, "/cluster"), cell(row, "/node"),
            reason.empty() ? "no reason was given" : reason)) +
        "\n";
  }
  return text;
}

// Page by page, so that no answer grows with the site.
Exit list_nodes(Session& session, const std::string& cluster, std::size_t limit) {
  constexpr std::size_t longest_page = 1000;
  const std::string of_cluster = cluster.empty() ? "" : "&cluster=" + escape(cluster);
  nlohmann::json rows = nlohmann::json::array(), banned = rows, unread = rows;
  for (std::string after; rows.size() < limit;) {
    auto answer = session.ask(
        "GET", fmt::format("nodes?limit={}{}{}", std::min(longest_page, limit - rows.size()),
                           of_cluster, after.empty() ? "" : "&after=" + escape(after)));
    if (!answer) return complain(session, answer.error());
    for (const auto& row : list_at(*answer, "/unread")) {
      unread.push_back(row);
      std::fprintf(stderr, "muster: cluster %s is left out: %s\n",
                   printable(cell(row, "/cluster")).c_str(),
                   on_one_line(cell(row, "/reason")).c_str());
    }
    const auto nodes = answer->find("nodes");
    if (nodes != answer->end() && nodes->is_array())
      std::move(nodes->begin(), nodes->end(), std::back_inserter(rows));
    if (answer->contains("banned")) banned = answer->at("banned");
    after = cell(*answer, "/next");
    if (after.empty()) break;
  }
  const nlohmann::json all = {
      {"nodes", std::move(rows)}, {"banned", std::move(banned)}, {"unread", std::move(unread)}};
  print(session.wants_json() ? json_text(all) : nodes_text(all));
  return Exit::ok;
}

std::string ordered_text(const nlohmann::json& answer) {
  const std::string who = cell(answer, "/cluster") + "/" + cell(answer, "/node");
  if (cell(answer, "/order") == "cancel-converge")
    return who + ": cancelled; what it began already, it ends\n";
  const std::string waits_for = cell(answer, "/waitsFor");
  return waits_for.empty()
             ? who + ": ordered; it takes its turn at its next poll\n"
             : fmt::format("{}: ordered; it waits for its turn: {}\n", who, printable(waits_for));
}

// One after the other, to the end: what was ordered of one stands, whatever becomes of the next.
Exit order_converges(Session& session, const std::string& cluster,
                     const std::vector<std::string>& names, bool cancel) {
  nlohmann::json body = nlohmann::json::object(), rows = nlohmann::json::array();
  if (cancel) body["cancel"] = true;
  Exit worst = Exit::ok;
  for (const auto& name : names) {
    const auto found = cluster_of(session, cluster, name);
    const auto answer = found ? session.ask("POST", node_path(*found, name) + "/converge", body)
                              : Result<nlohmann::json>(pass(found.error()));
    if (!answer) {
      worst = complain(session, answer.error());
      continue;
    }
    rows.push_back(*answer);
    if (!session.wants_json()) print(ordered_text(*answer));
  }
  if (session.wants_json()) print(json_text({{"nodes", rows}}));
  return worst;
}

}  // namespace

void add_node_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand(
      "node", "Machines: what they are, what they said last, what they shall do");
  group->require_subcommand(1);
  Text cluster = std::make_shared<std::string>(), name = std::make_shared<std::string>(),
       fingerprint = std::make_shared<std::string>();

  auto* list = group->add_subcommand("list", "every machine with its verdict");
  list->add_option("--cluster", *cluster, "only this cluster");
  list->footer("Example: muster node list --cluster lab");
  const auto limit = std::make_shared<std::size_t>(std::numeric_limits<std::size_t>::max());
  list->add_option("--limit", *limit, "no more than so many")->check(CLI::Range(1, 1000000));
  line.on(list, [=](Session& session) { return list_nodes(session, *cluster, *limit); });

  const auto one = [&](const char* command, const char* help, const char* example) {
    auto* made = group->add_subcommand(command, help);
    made->add_option("NAME", *name, "the node's name")->required();
    made->add_option("--cluster", *cluster, "where several clusters have a node of that name");
    made->footer(example);
    return made;
  };
  line.on(
      one("show", "one machine: identity, document, last report", "Example: muster node show m1"),
      [=](Session& session) {
        return ask_of_node(session, cluster, name, "GET", "", nullptr, node_text);
      });
  line.on(one("timeline", "its last boot, from firmware to node Ready",
              "Example: muster node timeline m1"),
          [=](Session& session) {
            return ask_of_node(session, cluster, name, "GET", "", nullptr, timeline_text);
          });

  auto names = std::make_shared<std::vector<std::string>>();
  auto cancel = std::make_shared<bool>(false);
  auto* converge = group->add_subcommand(
      "converge", "applies what is pending now, without waiting for a reboot");
  converge->add_option("NAME", *names, "the nodes' names")->required();
  converge->add_option("--cluster", *cluster, "where several clusters have a node of that name");
  converge->add_flag("--cancel", *cancel,
                     "takes the order back, or ends the turn of one that hangs");
  converge->footer(
      "Components restart: of a cluster's masters one after the other, and while the others are a quorum.\nExample: muster node converge m1 m2 m3");
  line.on(converge,
          [=](Session& session) { return order_converges(session, *cluster, *names, *cancel); });

  auto* replace = one(
      "replace", "admits one new key under this name, once",
      "For a machine that was reset or reinstalled, or whose disk was lost. It also needs a join token:\n"
      "muster token create --cluster lab --node m2 --role follower, into its /etc/muster/agent.json.\n"
      "Until another key comes, the old one goes on.\n"
      "Example: muster node replace m2");
  replace->add_flag("--cancel", *cancel, "takes the order back: the old key keeps the name");
  line.on(replace, [=](Session& session) {
    nlohmann::json body = nlohmann::json::object();
    if (*cancel) body["cancel"] = true;
    return ask_of_node(
        session, cluster, name, "POST", "/replace", body, [=](const nlohmann::json&) {
          return fmt::format("{}/{}: {}\n", *cluster, *name,
                             *cancel ? "no other key is admitted"
                                     : "its next enrolment replaces the old identity");
        });
  });

  auto* reprovision = one(
      "reprovision", "makes a machine anew at its next start, once",
      "For a machine that starts by the network (netboot.image), and keeps nothing over it: it gets its claim at once, also\n"
      "while the machine before it is still heard of, and by the image that its document names, also one that failed there.\n"
      "The old key ends when the new one enrols. Restart the machine after this.\n"
      "One with a state disk keeps its key and what is there: an image that failed is tried again, and nothing else is done.\n"
      "Example: muster node reprovision n3");
  reprovision->add_flag("--cancel", *cancel, "takes the order back");
  line.on(reprovision, [=](Session& session) {
    nlohmann::json body = nlohmann::json::object();
    if (*cancel) body["cancel"] = true;
    return ask_of_node(session, cluster, name, "POST", "/reprovision", body, [=](const nlohmann::json&) {
      return fmt::format(
          "{}/{}: {}\n", *cluster, *name,
          *cancel
              ? "taken back: its next start is as any other"
              : "its next start is by the image that its document names, and makes it anew if it has no state disk; restart it");
    });
  });

  auto serial = std::make_shared<std::string>();
  auto* wipe = one(
      "wipe-disk", "permits its next start to destroy what is on its state disk",
      "For a machine with stateDisk.create: wipe. Its identity goes with the disk: a node comes back with a new key by itself,\n"
      "a control-plane machine waits for muster approve. It holds until the machine\nsays that it is done, a quarter of an hour from its next start at most. Restart the machine after this.\n"
      "Example: muster node wipe-disk n3 --serial S3Z9NB0K123456");
  wipe->add_option("--serial", *serial,
                   "the disk's serial number, as its console and node show tell it");
  wipe->add_flag("--cancel", *cancel, "takes the order back");
  line.on(wipe, [=](Session& session) {
    if (serial->empty() && !*cancel) {
      static_cast<void>(complain(
          session,
          {ErrorKind::invalid,
           "node wipe-disk: expected --serial, or --cancel, found neither; `muster node show` and the machine's console tell the serial number"}));
      return Exit::usage;
    }
    nlohmann::json body = nlohmann::json::object();
    if (!serial->empty()) body["serial"] = *serial;
    if (*cancel) body["cancel"] = true;
    return ask_of_node(
        session, cluster, name, "POST", "/wipe-disk", body, [=](const nlohmann::json&) {
          return *cancel ? fmt::format("{}/{}: taken back: its next start wipes nothing\n",
                                       *cluster, *name)
                         : fmt::format("{}/{}: its next start wipes the disk {}; restart it\n",
                                       *cluster, *name, printable(*serial));
        });
  });

  auto* unfreeze = one("unfreeze", "ends the freeze of a cloned identity",
                       "Of one that is not frozen it changes nothing, says so, and exits 0.\n"
                       "Example: muster node unfreeze n1 --keep sha256:...");
  unfreeze->add_option("--keep", *fingerprint, "fingerprint of the key that stays")->required();
  line.on(unfreeze, [=](Session& session) {
    return ask_of_node(session, cluster, name, "POST", "/unfreeze", {{"keep", *fingerprint}},
                       [=](const nlohmann::json& answer) {
                         return fmt::format("{}/{}: {}\n", *cluster, *name,
                                            cell(answer, "/unchanged").empty()
                                                ? "unfrozen"
                                                : "not frozen; nothing changed");
                       });
  });
  add_departure_commands(line, *group);
}

}  // namespace muster
