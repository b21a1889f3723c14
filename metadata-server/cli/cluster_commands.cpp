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

struct Reinitialisation {
  std::string cluster, restored_on;
  bool is_confirmed = false, force = false, cancel = false;
};

std::string outcome_text(const Reinitialisation& order) {
  if (order.cancel)
    return fmt::format("{}: taken back; its etcd is known as before\n", order.cluster);
  const std::string way_back = fmt::format(
      "until then, muster cluster reinitialise {} --cancel takes it back\n", order.cluster);
  if (order.restored_on.empty()) {
    return fmt::format(
        "{}: etcd may be initialised anew. On each master: stop etcd.service, move /var/lib/etcd/member away, reboot\n{}",
        order.cluster, way_back);
  }
  return fmt::format(
      "{}: etcd goes on from what was restored on {}. Reboot it, then the other masters: they join it empty\n{}",
      order.cluster, order.restored_on, way_back);
}

Exit reinitialise(Session& session, const Reinitialisation& order) {
  if (!order.is_confirmed && !order.cancel) {
    static_cast<void>(complain(
        session,
        {ErrorKind::invalid,
         fmt::format(
             "cluster reinitialise: the masters of '{}' would start a new, empty etcd, and everything that Kubernetes keeps there would be gone. Only when no member can come back: add --confirm, and --restored-on NODE where there is a snapshot (see --help)",
             order.cluster)}));
    return Exit::usage;
  }
  nlohmann::json body = nlohmann::json::object();
  if (order.cancel) {
    body["cancel"] = true;
  } else {
    body["confirm"] = order.cluster;
    if (!order.restored_on.empty()) body["restoredOn"] = order.restored_on;
    if (order.force) body["force"] = true;
  }
  return ask_and_show(session, "POST", "clusters/" + escape(order.cluster) + "/reinitialise", body,
                      [order](const nlohmann::json&) { return outcome_text(order); });
}

}  // namespace

void add_cluster_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand("cluster", "Whole clusters");
  group->require_subcommand(1);
  auto order = std::make_shared<Reinitialisation>();
  auto* command =
      group->add_subcommand("reinitialise", "after etcd was lost for good: allows an empty one");
  command->add_option("CLUSTER", order->cluster, "the cluster's name")->required();
  command->add_flag("--confirm", order->is_confirmed, "yes, its data is gone");
  command->add_option("--restored-on", order->restored_on,
                      "the master with the restored snapshot; the others join it empty");
  command->add_flag("--force", order->force,
                    "though masters report an etcd that works: what it has is given up");
  command->add_flag("--cancel", order->cancel,
                    "takes the order back, until a master was given the right to start");
  command->footer(from_snapshot);
  line.on(command, [order](Session& session) { return reinitialise(session, *order); });
}

}  // namespace muster
