#include "fleet/etcd_orders.hpp"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "fleet/served_document.hpp"
#include "fleet/standing.hpp"
#include "records/audit.hpp"
#include "rollout/etcd_reinitialisation.hpp"
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

bool is_about_etcd(const HealthProblem& problem) {
  return problem.subject.find("etcd") != std::string::npos ||
         problem.subject.find("kube-apiserver") != std::string::npos;
}

// Masters that are heard of, Ready by an API server that has its etcd, and have a member that runs;
// not the one whose etcd was stopped for a snapshot to be restored.
std::vector<std::string> working_masters(const Fleet& fleet, const EtcdReinitialisation& order) {
  std::vector<std::string> names;
  const TimePoint now = fleet.enrolment.now();
  fleet.reports.each_of(order.cluster, [&](const std::string& node, const HeardMachine& heard) {
    if (!is_ready(heard) || heard.report->etcd_member_id.empty()) return;
    const auto& unwell = heard.report->unwell;
    if (node == order.restored_on || std::any_of(unwell.begin(), unwell.end(), is_about_etcd))
      return;
    names.push_back(node);
  });
  std::erase_if(names, [&](const std::string& node) {
    const NodeName name{order.cluster, node};
    return fleet.reports.silence_of(name, now) > silent_after(fleet.reports.find(name));
  });
  return names;
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
  // The latest that it can be: what is stamped while the clock is behind has its whole time when
  // it is put right, and no grant lapses by that.
  auto answer = decide_etcd_turn(fleet.store, question, milliseconds(latest_now(fleet.enrolment)));
  if (answer && answer->action != "wait") {
    // A member that goes on says so at each converge.
    const bool is_news = answer->action != "start-existing";
    spdlog::log(is_news ? spdlog::level::info : spdlog::level::debug, "{}: etcd turn: {}",
                machine.text(), answer->action);
  }
  return answer;
}

Result<std::vector<std::string>> reinitialise_etcd_of(const Fleet& fleet,
                                                      const EtcdReinitialisation& order) {
  const std::string& cluster = order.cluster;
  if (auto known = check_is_master(fleet, cluster, order.restored_on); !known)
    return pass(known.error());
  auto working = order.cancel ? std::vector<std::string>() : working_masters(fleet, order);
  if (!working.empty() && !order.force) {
    return fail(
        ErrorKind::conflict, "etcd_works",
        fmt::format(
            "cluster '{0}': {1} report an etcd that works, and what Kubernetes keeps there would be given up. To bring back one member that was lost: muster node replace NAME. If all of it is to go: repeat with --force",
            cluster, fmt::join(working, ", ")));
  }
  const TimePoint now = fleet.enrolment.now();
  Transaction transaction;
  const EtcdRestore restore{order.restored_on, milliseconds(latest_now(fleet.enrolment)), order.by};
  auto done = order.cancel ? cancel_reinitialisation(fleet.store, cluster, transaction)
                           : reinitialise_etcd(fleet.store, cluster, restore, transaction);
  if (!done) return pass(done.error());
  const std::string restored = order.restored_on.empty() ? "" : "restored on " + order.restored_on;
  const std::string given_up =
      working.empty() ? "" : fmt::format("etcd worked on {}", fmt::join(working, ", "));
  append_audit(transaction, now, order.by,
               order.cancel ? "etcd-reinitialise-cancelled" : "etcd-reinitialised", cluster,
               restored + (restored.empty() || given_up.empty() ? "" : "; ") + given_up);
  if (auto written = commit(fleet.store, transaction); !written) return pass(written.error());
  if (order.cancel) {
    spdlog::warn("{}: etcd of {} goes on as before", order.by, cluster);
  } else if (order.restored_on.empty()) {
    spdlog::warn("{}: etcd of {} may be initialised anew", order.by, cluster);
  } else {
    spdlog::warn("{}: etcd of {} goes on from what was restored on {}", order.by, cluster,
                 order.restored_on);
  }
  return working;
}

Result<nlohmann::json> reinitialisation_of(const Fleet& fleet, const std::string& cluster) {
  const auto found = find_reinitialisation(fleet.store, cluster);
  if (!found) return pass(found.error());
  if (!*found) return nlohmann::json(nullptr);
  return nlohmann::json{{"orderedAt", (*found)->ordered_at_ms / 1000},
                        {"by", (*found)->by},
                        {"restoredOn", (*found)->restored_on},
                        {"canBeCancelled", (*found)->can_be_cancelled}};
}

}  // namespace muster
