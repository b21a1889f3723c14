// What a person set on this machine's Node: it goes with the object when somebody deletes that, and
// kubelet registers a new one without it. A cordon is put back with kubelet's own certificate,
// which may not set taints (NodeRestriction): those are told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

// As of the last look; in the checkpoint.
struct NodeMarks {
  std::string uid;                  // of the Node object; empty: not looked at yet
  bool is_cordoned = false;         // by a person, and not by the duties, which do it again anyway
  std::vector<std::string> taints;  // a person's: "key=value:Effect"
  std::vector<std::string> lost;    // those that an object before this one had
  std::int64_t lost_at = 0;         // Unix seconds
};

struct NodeSeen {
  NodeMarks marks;
  bool takes_no_pods = false;  // whoever ordered it
};
// nothing: no Node object with a uid.
[[nodiscard]] std::optional<NodeSeen> marks_in(std::string_view node_json);

struct MarksDecision {
  NodeMarks marks;             // to be kept
  bool has_to_cordon = false;  // first: the marks are kept once it is done
};
// `now`: Unix seconds.
[[nodiscard]] MarksDecision decide_marks(const NodeMarks& before, const NodeSeen& seen,
                                         std::int64_t now);

// What to tell of taints that are lost; empty: nothing.
[[nodiscard]] std::string lost_taints_text(const NodeMarks& marks, const std::string& node,
                                           std::int64_t now);

}  // namespace muster
