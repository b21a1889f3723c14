// One cluster, ready to be compiled machine by machine: what its machines share is made once, and
// of each machine it is known what its document is made of. Pure: equal inputs give
// equal bytes. Points into inventory and facts, which must outlive it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "document/document_text.hpp"
#include "inventory/machine_source.hpp"
#include "inventory/release_choice.hpp"

namespace muster {

// The config of all machines that have one role and the same layers.
struct SharedConfig {
  MachineConfig config;
  std::string text, digest;    // canonical JSON, and of it
  std::string labels, taints;  // of kubelet, canonical JSON
};
// Those of earlier compiles, by the digest of all that each is made of, so that none is ever wrong.
// What the last compile did not use is dropped. Not thread-safe.
using SharedConfigs = std::unordered_map<std::string, std::shared_ptr<const SharedConfig>>;

struct MachineInput {
  MachineSource source;
  std::string pod_cidr;
  std::shared_ptr<const SharedConfig> config;
  std::string inputs;  // everything that the machine's document is made of, large things by digest
};

// `machines`: by name.
[[nodiscard]] bool has_machine(const std::vector<MachineInput>& machines, const std::string& node);

// A document as its parts, to be put together with any generation.
struct MachineDocument {
  NodeDocument document;  // generation 0
  std::string role, certificates;
};

class Compilation {
 public:
  // All problems that need the site's facts (inventory/compile); those that a single document has
  // are found by make.
  [[nodiscard]] static Checked<Compilation> prepare(const Inventory& inventory,
                                                    const std::string& cluster,
                                                    const SiteFacts& facts, SharedConfigs& configs);

  [[nodiscard]] const std::vector<MachineInput>& machines() const { return machines_; }  // by name
  // Adds each machine's network.
  void add_pod_cidrs(std::map<std::string, std::string>& by_node) const;
  // Of its machines, whatever their role, by name; and those that it does not take by itself.
  [[nodiscard]] const std::vector<CatalogueEntry>& releases() const { return releases_; }
  [[nodiscard]] const std::vector<ReleaseUpgrade>& upgrades() const { return upgrades_; }
  [[nodiscard]] std::size_t work() const { return work_; }

  [[nodiscard]] Checked<MachineDocument> make(const MachineInput& machine);
  [[nodiscard]] std::string text_of(const MachineInput& machine, const MachineDocument& made,
                                    std::uint64_t generation) const;
  [[nodiscard]] PeerEntry peer(const MachineInput& machine) const;
  // Of all machines, as peer_list_text takes them.
  [[nodiscard]] std::string peers_text() const;

 private:
  friend class CompilationMaker;
  const Cluster* cluster_ = nullptr;
  const SiteFacts* facts_ = nullptr;
  ClusterSettings settings_;
  std::string settings_text_;
  std::vector<MachineInput> machines_;
  std::vector<CatalogueEntry> releases_;
  std::vector<ReleaseUpgrade> upgrades_;
  std::size_t work_ = 0;
  std::set<const SharedConfig*> valid_;  // found in a document that is valid as a whole
};

// Each once, by place: a mistake in a profile or of the whole cluster shows on every machine.
[[nodiscard]] std::vector<InventoryProblem> distinct(std::vector<InventoryProblem> problems);

}  // namespace muster
