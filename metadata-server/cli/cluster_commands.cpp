#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

Exit reinitialise(Session& session, const std::string& cluster, bool is_confirmed) {
  if (!is_confirmed) {
    static_cast<void>(complain(
        session,
        {ErrorKind::invalid,
         fmt::format(
             "cluster reinitialise: the masters of '{}' would start a new, empty etcd, and everything that Kubernetes keeps there would be gone. Only when no member can come back: add --confirm",
             cluster)}));
    return Exit::usage;
  }
  return ask_and_show(
      session, "POST", "clusters/" + escape(cluster) + "/reinitialise", {{"confirm", cluster}},
      [cluster](const nlohmann::json&) {
        return fmt::format(
            "{}: etcd may be initialised anew. On each master: stop etcd.service, move /var/lib/etcd away, reboot\n",
            cluster);
      });
}

}  // namespace

void add_cluster_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand("cluster", "Whole clusters");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto confirm = std::make_shared<bool>(false);
  auto* command =
      group->add_subcommand("reinitialise", "after etcd was lost for good: allows an empty one");
  command->add_option("CLUSTER", *name, "the cluster's name")->required();
  command->add_flag("--confirm", *confirm, "yes, its data is gone");
  command->footer("Example: muster cluster reinitialise lab --confirm");
  line.on(command,
          [name, confirm](Session& session) { return reinitialise(session, *name, *confirm); });
}

}  // namespace muster
