#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

constexpr const char* from_snapshot =
    R"(From a snapshot, where every master's etcd is lost or without a quorum:
  1. on one master, say m1, at 10.0.0.1 (every master keeps the releases, so etcdutl is there):
       systemctl stop muster-agent kube-apiserver etcd
       mv /var/lib/etcd/member /var/lib/etcd/member.old   (where there is one)
       /opt/muster/current/etcd/bin/etcdutl snapshot restore SNAPSHOT \
         --data-dir /var/lib/etcd/restored --name m1 --initial-cluster m1=https://10.0.0.1:2380 \
         --initial-advertise-peer-urls https://10.0.0.1:2380 --initial-cluster-token lab-$(date +%s) \
         --bump-revision 1000000000 --mark-compacted
       mv /var/lib/etcd/restored/member /var/lib/etcd/member
  2. muster cluster reinitialise lab --confirm --restored-on m1
  3. reboot m1, then the other masters: they join it empty, and what data they had is set aside
  4. reboot the nodes, so that no pod runs on that the snapshot does not know
Example: muster cluster reinitialise lab --confirm)";

Exit reinitialise(Session& session, const std::string& cluster, bool is_confirmed,
                  const std::string& restored_on) {
  if (!is_confirmed) {
    static_cast<void>(complain(
        session,
        {ErrorKind::invalid,
         fmt::format(
             "cluster reinitialise: the masters of '{}' would start a new, empty etcd, and everything that Kubernetes keeps there would be gone. Only when no member can come back: add --confirm, and --restored-on NODE where there is a snapshot (see --help)",
             cluster)}));
    return Exit::usage;
  }
  nlohmann::json body = {{"confirm", cluster}};
  if (!restored_on.empty()) body["restoredOn"] = restored_on;
  return ask_and_show(
      session, "POST", "clusters/" + escape(cluster) + "/reinitialise", body,
      [cluster, restored_on](const nlohmann::json&) {
        if (restored_on.empty()) {
          return fmt::format(
              "{}: etcd may be initialised anew. On each master: stop etcd.service, move /var/lib/etcd/member away, reboot\n",
              cluster);
        }
        return fmt::format(
            "{}: etcd goes on from what was restored on {}. Reboot it, then the other masters: they join it empty\n",
            cluster, restored_on);
      });
}

}  // namespace

void add_cluster_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand("cluster", "Whole clusters");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto confirm = std::make_shared<bool>(false);
  auto restored_on = std::make_shared<std::string>();
  auto* command =
      group->add_subcommand("reinitialise", "after etcd was lost for good: allows an empty one");
  command->add_option("CLUSTER", *name, "the cluster's name")->required();
  command->add_flag("--confirm", *confirm, "yes, its data is gone");
  command->add_option("--restored-on", *restored_on,
                      "the master with the restored snapshot; the others join it empty");
  command->footer(from_snapshot);
  line.on(command, [name, confirm, restored_on](Session& session) {
    return reinitialise(session, *name, *confirm, *restored_on);
  });
}

}  // namespace muster
