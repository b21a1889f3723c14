// What rules across fields find: what is refused, and what is taken and told.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "inventory/place.hpp"

namespace muster {

struct RuleFindings {
  std::vector<InventoryProblem>& problems;
  std::vector<InventoryProblem>& warnings;

  void refuse(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                  std::move(hint)));
  }
  void warn(const Place& place, std::string field, std::string expected, std::string found,
            std::string hint = {}) {
    warnings.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                  std::move(hint)));
  }
};

}  // namespace muster
