// What the published inventory says of each machine that a machine may be told before it has proved
// anything, found by its address or by a mark of its hardware.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "document/ipv4.hpp"
#include "inventory/match.hpp"
#include "inventory/objects.hpp"

namespace muster {

// Nothing of it is a secret.
struct BootMachine {
  NodeName name;
  std::string instance_id;  // the inventory's, else made of the name: stable while the name is
  std::string address;      // IPv4
  Cidr network;             // nodeCidr, else the /24 around the address
  std::vector<std::string> macs;  // lower case with colons
  std::string gateway;            // empty: not known
  std::vector<std::string> nameservers;
};

// "cluster lab, node n1": whose user-data it is.
[[nodiscard]] std::string told_whom(const BootMachine& machine);

struct BootMatch {
  enum class Kind { unknown, found, ambiguous };
  Kind kind = Kind::unknown;
  std::shared_ptr<const BootMachine> machine;  // found
};

// Immutable, so many threads may ask one; a publication makes the next one, which shares the
// clusters that did not change. The cost of a question does not grow with a cluster's machines.
class BootInventory {
 public:
  // One cluster as this inventory has it, which may be not at all. Cost: that cluster.
  [[nodiscard]] BootInventory with(const std::string& cluster,
                                   std::shared_ptr<const Inventory> inventory) const;
  // Two clusters may use one network: an address that two machines have is ambiguous.
  [[nodiscard]] BootMatch at_address(const std::string& address) const;
  // As MatchIndex says.
  [[nodiscard]] BootMatch with_marks(const MachineMarks& marks) const;
  // A "+" that nobody encoded was read as a blank (iPXE before 2021 decodes and sends it so): where
  // no serial number has the blanks, the one with "+" in their place is meant.
  [[nodiscard]] BootMatch with_marks_of_query(const MachineMarks& marks) const;

 private:
  // Where its machines stand; what is told of one is put together when it is asked for.
  struct OneCluster {
    std::shared_ptr<const Inventory> inventory;  // which holds all that the others name
    const Cluster* cluster = nullptr;
    MatchIndex marks;
    std::unordered_map<std::string_view, const Node*> by_address;
  };
  std::map<std::string, std::shared_ptr<const OneCluster>> clusters_;  // those with machines
};

}  // namespace muster
