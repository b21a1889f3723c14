#include <CLI/CLI.hpp>
#include <sstream>

#include "cli/answer.hpp"
#include "cli/departure_commands.hpp"
#include "cli/node_cluster.hpp"
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

std::string nodes_text(const nlohmann::json& answer) {
  Table table(
      {"CLUSTER", "NAME", "ROLE", "ADDRESS", "STATE", "VERDICT", "GENERATION", "PENDING", "SEEN"});
  for (const auto& row : list_at(answer, "/nodes")) {
    const auto pending = list_at(row, "/pending").size();
    table.row({cell(row, "/cluster"), cell(row, "/node"), cell(row, "/role"), cell(row, "/address"),
               cell(row, "/state"), cell(row, "/verdict"), cell(row, "/generation"),
               pending == 0 ? "" : std::to_string(pending), time_text(row, "/seenAt")});
  }
  return table.text();
}

std::string node_text(const nlohmann::json& answer) {
  std::string text;
  const auto show = [&text](std::string_view label, const std::string& value) {
    if (!value.empty()) text += fmt::format("{:<13}{}\n", label, printable(value));
  };
  show("node", cell(answer, "/cluster") + "/" + cell(answer, "/node"));
  show("role", cell(answer, "/role"));
  show("address", cell(answer, "/address"));
  show("state", cell(answer, "/state"));
  show("removed", time_text(answer, "/removedAt"));
  if (number_at(answer, "/vanishesAt") != 0)
    show("vanishes", time_text(answer, "/vanishesAt") + ", unless it is heard of");
  show("drain", cell(answer, "/drain/phase"));
  show("waits for", cell(answer, "/drain/message"));
  show("fingerprint", cell(answer, "/fingerprint"));
  if (!cell(answer, "/digest").empty())
    show("published", "generation " + cell(answer, "/generation") + ", " + cell(answer, "/digest"));
  show("agent", cell(answer, "/report/agentVersion"));
  show("too old", cell(answer, "/agentTooOld"));
  show("verdict", cell(answer, "/report/verdict"));
  show("class", cell(answer, "/report/failureClass"));
  show("in force", cell(answer, "/report/documentDigest"));
  show("offline", cell(answer, "/report/offline"));
  show("seen", time_text(answer, "/seenAt"));
  for (const auto& pending : list_at(answer, "/report/pending"))
    show("pending", pending.is_string() ? pending.get<std::string>() : "");
  // A verdict may be a list of findings, a line each.
  std::istringstream lines(cell(answer, "/report/message"));
  for (std::string line; std::getline(lines, line);) show("message", line);
  return text;
}

std::string timeline_text(const nlohmann::json& answer) {
  std::string text =
      fmt::format("{}: boot timeline, seconds since power-on\n", printable(cell(answer, "/node")));
  for (const auto& phase : list_at(answer, "/report/phases")) {
    const auto begin = static_cast<double>(number_at(phase, "/startUs")) / 1e6;
    const auto end = static_cast<double>(number_at(phase, "/endUs")) / 1e6;
    text +=
        end > 0
            ? fmt::format("  {:8.2f}  {:8.2f}  {:<20} {}\n", begin, end - begin,
                          printable(cell(phase, "/name")), printable(cell(phase, "/detail")))
            : fmt::format("  {:8.2f}   running  {:<20}\n", begin, printable(cell(phase, "/name")));
  }
  return text;
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
  line.on(list, [=](Session& session) {
    return ask_and_show(session, "GET",
                        cluster->empty() ? "nodes" : "nodes?cluster=" + escape(*cluster), nullptr,
                        nodes_text);
  });

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

  const auto order = [&](const char* command, const char* help, const char* done,
                         const char* example) {
    line.on(one(command, help, example), [=](Session& session) {
      nlohmann::json body = nlohmann::json::object();
      if (!fingerprint->empty()) body["keep"] = *fingerprint;
      return ask_of_node(
          session, cluster, name, "POST", std::string("/") + command, body,
          [=](const nlohmann::json&) { return fmt::format("{}/{}: {}\n", *cluster, *name, done); });
    });
  };
  order("converge", "applies what is pending now, without waiting for a reboot",
        "ordered; it takes its turn at its next poll",
        "Components restart. Example: muster node converge n1");
  order(
      "replace", "admits one new key under this name, once",
      "its next enrolment replaces the old identity",
      "For a machine that was reinstalled, or whose disk was lost. Example: muster node replace m2");
  order("unfreeze", "ends the freeze of a cloned identity", "unfrozen",
        "Example: muster node unfreeze n1 --keep sha256:...");
  group->get_subcommand("unfreeze")
      ->add_option("--keep", *fingerprint, "fingerprint of the key that stays")
      ->required();
  add_departure_commands(line, *group);
}

}  // namespace muster
