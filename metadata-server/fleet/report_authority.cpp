#include "fleet/report_authority.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "fleet/duties_holder.hpp"
#include "fleet/fleet.hpp"
#include "fleet/served_document.hpp"

namespace muster {
namespace {

// Every document of a cluster names its masters.
std::vector<std::string> masters_of(const ServedCluster& served) {
  std::vector<std::string> masters;
  if (served.documents.empty()) return masters;
  const auto document = read_document(*served.documents.begin()->second);
  if (!document) return masters;
  const auto& banned = served.banned_machines;
  for (const MachineAddress& master : document->role.cluster.masters) {
    if (std::find(banned.begin(), banned.end(), master.name) == banned.end())
      masters.push_back(master.name);
  }
  return masters;
}

}  // namespace

std::optional<DutiesReport> duties_of(const Fleet& fleet, const std::string& cluster) {
  const auto served = fleet.current.cluster(cluster);
  if (!served || !served->peers) return std::nullopt;
  std::vector<HeardMachine> heard;
  std::vector<MasterWord> words;
  const auto masters = masters_of(*served);
  heard.reserve(masters.size());  // words point into it
  for (const std::string& node : masters) {
    const HeardMachine& machine = heard.emplace_back(fleet.reports.find({cluster, node}));
    words.push_back({node, machine.report ? &*machine.report : nullptr, machine.seen_at});
  }
  const Report* report = report_of_holder(words);
  if (report == nullptr || !report->duties) return std::nullopt;
  // It cannot have seen what was never published.
  if (report->duties->peers_generation > served->peers->generation) return std::nullopt;
  return report->duties;
}

bool is_listed_master(const Fleet& fleet, const NodeName& node) {
  const auto document = served_document(fleet, node);
  if (!document) return false;  // of a machine that left the inventory
  const auto& masters = document->role.cluster.masters;
  return std::any_of(masters.begin(), masters.end(),
                     [&](const MachineAddress& master) { return master.name == node.node; });
}

void drop_what_is_not_its_own(const Fleet& fleet, const Caller& caller, Report& report) {
  const bool is_plain = !report.duties && !report.lease_holder && report.etcd_cluster_id.empty() &&
                        report.etcd_member_id.empty();
  if (is_plain) return;  // nearly all: no document is read for them
  const bool is_master = is_listed_master(fleet, caller.node);
  if (is_master && !caller.frozen) return;
  if (report.duties) {
    spdlog::warn("{}: it reports duties, which are not its to do; they do not count",
                 caller.text());
  }
  report.duties.reset();
  report.lease_holder.reset();
  if (is_master) return;
  report.etcd_cluster_id.clear();
  report.etcd_member_id.clear();
}

}  // namespace muster
