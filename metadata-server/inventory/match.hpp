// Machine -> node, by what its hardware says of itself. A hint, never an authority: it proposes a
// name, and enrolment asks for the proof.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "inventory/objects.hpp"

namespace muster {

// Any letter case, MACs with ':' or '-'; empty means unknown.
struct MachineMarks {
  std::vector<std::string> macs;
  std::string uuid, serial, instance_id;
};

// What vendors leave in the firmware's tables of every machine they sell.
[[nodiscard]] bool is_filler_mark(std::string_view mark);

// What the inventory matches a node by.
[[nodiscard]] MachineMarks marks_of(const Node& node);

struct NodeName {
  std::string cluster, node;
  bool operator==(const NodeName&) const = default;
};

struct MatchResult {
  enum class Kind { unknown, matched, ambiguous };
  Kind kind = Kind::unknown;
  NodeName node;  // matched
  // Each mark that is known and the node it names, "mac 0c:c4:7a:80:09:1f is gpu/moscow".
  std::vector<std::string> reasons;
};

// Built once per inventory: the cost of a match does not grow with it. Immutable afterwards, so
// many threads may ask.
class MatchIndex {
 public:
  MatchIndex() = default;
  explicit MatchIndex(const std::vector<const Node*>& nodes);
  // Every mark that is known must name the same node, else the answer is ambiguous. Vendors' filler
  // ("To be filled by O.E.M.", all-zero UUIDs) never matches.
  [[nodiscard]] MatchResult match(const MachineMarks& marks) const;

 private:
  std::vector<NodeName> names_;
  std::unordered_map<std::string, std::size_t> marks_;  // "mac 0c:c4:..." -> index of names_
};

}  // namespace muster
