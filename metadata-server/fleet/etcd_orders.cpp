#include "fleet/etcd_orders.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "fleet/served_document.hpp"
#include "records/audit.hpp"
#include "rollout/etcd_turn.hpp"

namespace muster {

namespace {

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Result<void> check_is_master(const Fleet& fleet, const std::string& cluster,
                             const std::string& node) {
  if (node.empty()) return {};
  const auto document = served_document(fleet, {cluster, node});
  const auto is_node = [&node](const MachineAddress& master) { return master.name == node; };
  if (document) {
    const auto& masters = document->role.cluster.masters;
    if (std::any_of(masters.begin(), masters.end(), is_node)) return {};
  }
  return fail(ErrorKind::invalid,
              fmt::format("reinitialise: /restoredOn: expected a master of {}, found {}",
                          in_ticks(cluster), in_ticks(node)));
}

}  // namespace

Result<EtcdTurnAnswer> answer_etcd_turn(const Fleet& fleet, const Caller& machine,
                                        EtcdTurnRequest asked) {
  if (auto free = check_not_frozen(machine); !free) return pass(free.error());
  const auto document = served_document(fleet, machine.node);
  if (!document) return pass(document.error());
  EtcdTurnQuestion question;
  question.cluster = machine.node.cluster;
  question.node = machine.node.node;
  question.masters = document->role.cluster.masters;
  question.request = std::move(asked);
  auto answer = decide_etcd_turn(fleet.store, question, milliseconds(fleet.enrolment.now()));
  if (answer && answer->action != "wait")
    spdlog::info("{}: etcd turn: {}", machine.text(), answer->action);
  return answer;
}

Result<void> reinitialise_etcd_of(const Fleet& fleet, const EtcdReinitialisation& order) {
  const auto& [cluster, by, restored_on] = order;
  if (auto known = check_is_master(fleet, cluster, restored_on); !known) return known;
  const TimePoint now = fleet.enrolment.now();
  Transaction transaction;
  const EtcdRestore restore{restored_on, milliseconds(now)};
  if (auto forgotten = reinitialise_etcd(fleet.store, cluster, restore, transaction); !forgotten)
    return forgotten;
  append_audit(transaction, now, by, "etcd-reinitialised", cluster,
               restored_on.empty() ? "" : "restored on " + restored_on);
  if (auto written = commit(fleet.store, transaction); !written) return written;
  if (restored_on.empty()) {
    spdlog::warn("{}: etcd of {} may be initialised anew", by, cluster);
  } else {
    spdlog::warn("{}: etcd of {} goes on from what was restored on {}", by, cluster, restored_on);
  }
  return {};
}

}  // namespace muster
