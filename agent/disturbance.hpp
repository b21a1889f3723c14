// Which units were in trouble while an attempt lasted, by no doing of the agent: killed, stopped,
// failing, restarted by systemd or by somebody. From what systemd says at each look. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

class Disturbances {
 public:
  // `is_boot`: that a unit does not run yet says nothing.
  void look(const std::map<std::string, UnitStatus>& units, bool is_boot);
  // By the agent: what was known of them before says nothing of what comes.
  void starting(const std::vector<std::string>& units);
  // Unit -> what was found of it first: "restarted by systemd".
  [[nodiscard]] const std::map<std::string, std::string>& found() const { return found_; }

 private:
  [[nodiscard]] std::string trouble_of(const std::string& unit, const UnitStatus& status,
                                       bool is_boot) const;

  std::map<std::string, UnitStatus> known_;  // as of the last look; empty state: being started
  std::map<std::string, std::string> found_;
};

}  // namespace muster
