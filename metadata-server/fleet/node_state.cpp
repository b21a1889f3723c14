#include "fleet/node_state.hpp"

#include "fleet/machine_removal.hpp"
#include "fleet/master_turns.hpp"
#include "fleet/report_authority.hpp"
#include "fleet/standing.hpp"

namespace muster {
namespace {

std::string_view name(DrainPhase phase) {
  switch (phase) {
    case DrainPhase::draining:
      return "draining";
    case DrainPhase::drained:
      return "drained";
    case DrainPhase::given_up:
      return "drain-given-up";
  }
  return "draining";
}

}  // namespace

Result<NodeStates> NodeStates::gather(const Fleet& fleet, const std::string& cluster) {
  NodeStates states(fleet);
  const auto drains = list_drains(fleet.store, cluster);
  if (!drains) return pass(drains.error());
  for (const auto& found : *drains) states.drains_[found.record.node] = found.record;
  if (!states.drains_.empty()) states.duties_ = duties_of(fleet, cluster);
  auto turns = turns_of(fleet, cluster);
  if (!turns) return pass(turns.error());
  states.turns_ = std::move(*turns);
  return states;
}

nlohmann::json NodeStates::turn(const std::string& node) const {
  const auto found = turns_.find(node);
  return found == turns_.end() ? nlohmann::json(nullptr) : found->second;
}

DrainProgress NodeStates::progress(const DrainRecord& record) const {
  return progress_of(record, duties_ ? &*duties_ : nullptr);
}

std::string NodeStates::word(const NodeName& node, const FoundMachine& machine) const {
  const TimePoint now = fleet_->enrolment.now();
  const MachineRecord& record = machine.record;
  if (machine.ban) return "banned";
  if (record.frozen) return "frozen";
  if (!record.current) return "not-enrolled";
  if (record.current->not_after < unix_seconds(now)) return "expired";
  const auto drain = drains_.find(node.node);
  if (drain != drains_.end()) {
    if (drain->second.remove) return "removing";
    return std::string(name(progress(drain->second).phase));
  }
  const HeardMachine heard = fleet_->reports.find(node);
  if (heard.report && heard.report->was_reset) return "reset";
  const bool is_silent =
      heard.report &&
      (heard.report->is_stopping || fleet_->reports.silence_of(node, now) > silent_after(heard));
  return is_silent ? "silent" : "enrolled";
}

nlohmann::json NodeStates::drain(const std::string& node) const {
  const auto found = drains_.find(node);
  if (found == drains_.end()) return nullptr;
  const DrainRecord& record = found->second;
  const auto [phase, message] = progress(record);
  return {{"phase", name(phase)},           {"message", message},    {"remove", record.remove},
          {"orderedAt", record.ordered_at}, {"until", record.until}, {"by", record.by}};
}

Result<std::optional<nlohmann::json>> removed_member(const Fleet& fleet, const NodeName& node) {
  const auto member = find_member(fleet.store, node.cluster, node.node);
  if (!member) return pass(member.error());
  if (!*member || (*member)->record.removed_at == 0) return std::nullopt;
  const auto nodes = node_objects(fleet, node.cluster);
  if (!nodes) return pass(nodes.error());
  const MemberRecord& record = (*member)->record;
  return nlohmann::json{{"cluster", record.cluster},
                        {"node", record.node},
                        {"role", muster::name(record.role)},
                        {"address", record.address},
                        {"state", is_node_gone(record, *nodes) ? "left" : "leaving"},
                        {"removedAt", record.removed_at}};
}

}  // namespace muster
