#include "fleet/served_document.hpp"

#include <spdlog/spdlog.h>

#include "fleet/report_authority.hpp"
#include "rollout/etcd_turn.hpp"

namespace muster {

Result<std::shared_ptr<const ServedAnswer>> served_answer(const Fleet& fleet,
                                                          const NodeName& node) {
  auto answer = fleet.current.document(node.cluster, node.node);
  if (answer) return answer;
  // It may be one that cannot be read: its machine is not to be told that there is none.
  if (auto row = fleet.quarantine.find(node.cluster)) {
    return fail(
        ErrorKind::unavailable, "quarantined",
        fmt::format(
            "machine '{}/{}': its cluster is in quarantine, and no document of it can be read: {}",
            node.cluster, node.node, row->reason));
  }
  return fail(
      ErrorKind::not_found, "no_document",
      fmt::format(
          "machine '{}/{}': no document is published for it; add the node to the inventory and run `muster apply`",
          node.cluster, node.node));
}

Result<std::shared_ptr<const ServedAnswer>> readable_answer(const Fleet& fleet,
                                                            const NodeName& node,
                                                            std::uint32_t reads) {
  auto answer = served_answer(fleet, node);
  if (!answer || (*answer)->format <= reads) return answer;
  return fail(
      ErrorKind::conflict, "agent_too_old",
      fmt::format(
          "document of '{}/{}': it has format {}, and this machine's agent reads {}; upgrade its agent (units/README.md), it keeps to the document that it has until then",
          node.cluster, node.node, (*answer)->format, reads));
}

Result<NodeDocument> served_document(const Fleet& fleet, const NodeName& node) {
  const auto answer = served_answer(fleet, node);
  if (!answer) return pass(answer.error());
  auto document = read_document(**answer);
  if (!document) return pass(document.error());
  return std::move(*document);
}

Result<void> note_etcd_of(const Fleet& fleet, const Caller& caller, const Report& report) {
  // Of a frozen master nobody knows whose etcd it is.
  if (report.etcd_cluster_id.empty() || caller.frozen) return {};
  if (!is_listed_master(fleet, caller.node)) return {};
  const auto noted =
      note_etcd_member(fleet.store, {caller.node.cluster, caller.node.node, report.etcd_cluster_id,
                                     report.etcd_member_id, report.sent_at * 1000,
                                     unix_seconds(latest_now(fleet.enrolment)) * 1000});
  if (noted) return {};
  if (noted.error().kind != ErrorKind::conflict) return pass(noted.error());
  spdlog::error("{}: {}", caller.text(), in_ticks(noted.error().message));
  return {};
}

}  // namespace muster
