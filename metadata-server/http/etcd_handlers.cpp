// Who may start a cluster's etcd: the question of a master, and the operator's word that there is
// none any more.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "client/etcd_turn.hpp"
#include "fleet/served_document.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "records/audit.hpp"
#include "rollout/etcd_turn.hpp"

namespace muster {

namespace {

Result<void> check_is_master(const Rooms& rooms, const std::string& cluster,
                             const std::string& node) {
  if (node.empty()) return {};
  const auto document = served_document(rooms, {cluster, node});
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

namespace handlers {

Result<Response> post_etcd_turn(const Rooms& rooms, const Caller& caller, const Request& request) {
  auto asked = parse_etcd_turn_request(request.body);
  if (!asked) return pass(asked.error());
  if (auto free = check_not_frozen(caller); !free) return pass(free.error());
  const auto document = served_document(rooms, caller.node);
  if (!document) return pass(document.error());
  EtcdTurnQuestion question;
  question.cluster = caller.node.cluster;
  question.node = caller.node.node;
  question.masters = document->role.cluster.masters;
  question.request = std::move(*asked);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      rooms.enrolment.now().time_since_epoch());
  const auto answer = decide_etcd_turn(rooms.store, question, now.count());
  if (!answer) return pass(answer.error());
  if (answer->action != "wait") spdlog::info("{}: etcd turn: {}", caller.text(), answer->action);
  return text_response(to_json(*answer));
}

Result<Response> post_reinitialise(const Rooms& rooms, const Caller& caller,
                                   const Request& request) {
  const std::string& cluster = request.parameters.at("cluster");
  std::string confirm;
  EtcdRestore restore;
  auto read = read_json_body("reinitialise", request, [&](JsonObject& root) {
    root.text("confirm", confirm);
    root.text("restoredOn", restore.node, Need::optional);
  });
  if (!read) return pass(read.error());
  if (confirm != cluster) {
    return fail(ErrorKind::invalid,
                fmt::format("reinitialise: /confirm: expected the cluster's name {}, found {}",
                            in_ticks(cluster), in_ticks(confirm)));
  }
  if (auto known = check_is_master(rooms, cluster, restore.node); !known)
    return pass(known.error());
  const auto now = rooms.enrolment.now();
  restore.at_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  Transaction transaction;
  if (auto forgotten = reinitialise_etcd(rooms.store, cluster, restore, transaction); !forgotten)
    return pass(forgotten.error());
  append_audit(transaction, now, caller.text(), "etcd-reinitialised", cluster,
               restore.node.empty() ? "" : "restored on " + restore.node);
  if (auto written = rooms.store.commit(transaction); !written) return pass(written.error());
  if (restore.node.empty()) {
    spdlog::warn("{}: etcd of {} may be initialised anew", caller.text(), cluster);
  } else {
    spdlog::warn("{}: etcd of {} goes on from what was restored on {}", caller.text(), cluster,
                 restore.node);
  }
  return json_response({{"cluster", cluster}});
}

}  // namespace handlers
}  // namespace muster
