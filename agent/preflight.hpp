// Whether this machine is the one of the document and fit for it. Pure; every finding at once, each
// with its cure.
#pragma once

#include <string>
#include <vector>

#include "agent/run/failure.hpp"
#include "document/node_document.hpp"
#include "machine/facts.hpp"

namespace muster {

struct Finding {
  FailureClass kind = FailureClass::identity;
  std::string message;  // its cure at the end
  std::string cure;
};

[[nodiscard]] std::vector<Finding> preflight_findings(const NodeDocument& document,
                                                      const Facts& facts);
// The findings as one failure, of the first one's class; nothing when there are none.
[[nodiscard]] ConvergeResult<> to_failure(const std::vector<Finding>& findings);

}  // namespace muster
