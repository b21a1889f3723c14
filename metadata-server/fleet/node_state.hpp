// What a machine is, in one word, from everything that is known of it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "enrolment/machine.hpp"
#include "fleet/fleet.hpp"
#include "records/drain.hpp"

namespace muster {

// Of one cluster's machines: what is asked once for all of them is asked when it is made.
class NodeStates {
 public:
  [[nodiscard]] static Result<NodeStates> gather(const Fleet& fleet, const std::string& cluster);
  // banned, frozen, not-enrolled, expired, removing, draining, drained, drain-given-up, silent or
  // enrolled: the first that is true.
  [[nodiscard]] std::string word(const NodeName& node, const FoundMachine& machine) const;
  // {"phase","message","remove","orderedAt","until","by"}; null where nothing is ordered.
  [[nodiscard]] nlohmann::json drain(const std::string& node) const;

  // {"state": "holds"|"waits","since","by","message"}; null where no turn is ordered.
  [[nodiscard]] nlohmann::json turn(const std::string& node) const;

 private:
  explicit NodeStates(const Fleet& fleet) : fleet_(&fleet) {}
  [[nodiscard]] DrainProgress progress(const DrainRecord& record) const;

  const Fleet* fleet_;
  std::optional<DutiesReport> duties_;
  std::map<std::string, DrainRecord> drains_;    // by node
  std::map<std::string, nlohmann::json> turns_;  // by node
};

// A member that was removed, while its name and address wait: {"cluster","node","role","address",
// "state": "leaving" until its Node object is gone, then "left"}; nullopt for anybody else.
[[nodiscard]] Result<std::optional<nlohmann::json>> removed_member(const Fleet& fleet,
                                                                   const NodeName& node);

}  // namespace muster
