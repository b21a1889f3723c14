// What is wrong with machines and how it is mended, from all that the server knows: their reports,
// what they are, who was not let in and who waits. For lists, one machine, and the worst of all.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "enrolment/machine.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// The machine was offered another document or peer list of a generation that it has, or has one
// that is not what it is served now (agents before 0.3 do not say so): the site has two histories.
[[nodiscard]] bool knows_two_histories(const Report& report, const ServedCluster& cluster,
                                       const std::string& node);

struct MachineTrouble {
  int weight = 0;  // 0: nothing is wrong; the more, the worse
  std::string reason, cure;
};

// Somebody who is not let in: at an address that is no machine's of the inventory, or a machine of
// it.
struct Stranger {
  std::string source, hostname, reason, cure;
  std::int64_t last = 0;  // Unix seconds
};

// What is asked once for all machines is asked when it is made.
class MachineTroubles {
 public:
  [[nodiscard]] static Result<MachineTroubles> gather(const Fleet& fleet);
  // For worst(), which has no records: with a look at every machine's for freezes.
  [[nodiscard]] static Result<MachineTroubles> gather_for_all(const Fleet& fleet);

  // With what its record says of bans and freezes.
  [[nodiscard]] MachineTrouble of(const NodeName& node, const FoundMachine& machine) const;
  // The worst `count` of all clusters: {"cluster","node","reason","cure"}, the worst first.
  [[nodiscard]] nlohmann::json worst(std::size_t count) const;
  // The newest `count`: {"source","hostname","reason","cure","last"}.
  [[nodiscard]] nlohmann::json strangers(std::size_t count) const;

 private:
  explicit MachineTroubles(const Fleet& fleet) : fleet_(&fleet) {}
  [[nodiscard]] MachineTrouble of(const NodeName& node) const;
  // Another content than it is served, of that one's generation.
  [[nodiscard]] MachineTrouble of_two_histories(const NodeName& node, const Report& report) const;
  // It keeps an earlier document, since this server refuses to make it the present one.
  [[nodiscard]] MachineTrouble of_kept(const NodeName& node) const;
  // Its image does not come up.
  [[nodiscard]] MachineTrouble of_starts(const NodeName& node) const;
  // As its reports, or its silence, tell it.
  [[nodiscard]] MachineTrouble of_reports(const NodeName& node) const;
  // Why it was not let in after `since` (Unix seconds).
  [[nodiscard]] MachineTrouble outside(const NodeName& node, std::int64_t since) const;

  const Fleet* fleet_;
  std::map<std::string, Stranger> outside_;      // "cluster/node" -> the newest word of it
  std::map<std::string, MachineRecord> frozen_;  // by "cluster/node"
  std::vector<Stranger> strangers_;              // the newest last
};

// The machines of one cluster's documents.
struct MachineCount {
  std::string cluster;
  std::map<std::string, int> configurations;  // settled, trying, refused, fallen-back, unknown
  int unwell = 0;
  int two_histories = 0;  // machines that know two contents of one generation
};

// Per cluster, how many machines have which configuration, and how many are unwell or know of two
// contents of one generation.
[[nodiscard]] std::vector<MachineCount> count_machines(const Fleet& fleet);

}  // namespace muster
