// What the published inventory says of each machine that a machine may be told before it has proved
// anything, found by its address or by a mark of its hardware.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "document/ipv4.hpp"
#include "inventory/match.hpp"
#include "site/revision.hpp"

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

struct BootMatch {
  enum class Kind { unknown, found, ambiguous };
  Kind kind = Kind::unknown;
  std::shared_ptr<const BootMachine> machine;  // found
};

// Made anew at each publication: the cost of a question does not grow with the inventory. Immutable
// afterwards, so many threads may ask.
class BootInventory {
 public:
  BootInventory() = default;
  explicit BootInventory(const std::vector<PublishedCluster>& clusters);
  // Two clusters may use one network: an address that two machines have is ambiguous.
  [[nodiscard]] BootMatch at_address(const std::string& address) const;
  // As MatchIndex says.
  [[nodiscard]] BootMatch with_marks(const MachineMarks& marks) const;

 private:
  MatchIndex marks_;
  std::unordered_map<std::string, std::shared_ptr<const BootMachine>> by_name_;  // "lab/n1"
  // nullptr: two machines have it.
  std::unordered_map<std::string, std::shared_ptr<const BootMachine>> by_address_;
};

}  // namespace muster
