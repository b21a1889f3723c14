#include "agent/effects/skipped_units.hpp"

#include <algorithm>

namespace muster {
namespace {

// "ConditionPathExists=/nope" -> "ConditionPathExists="
std::string setting_of(const std::string& condition) {
  return condition.substr(0, condition.find('=') + 1);
}

std::string told(const Filesystem& files, const std::string& unit, const UnitStatus& status) {
  const std::string setting = setting_of(status.skipped_by);
  const auto has_it = [&](const std::string& path) {
    const auto text = files.read(path, 1u << 20);
    return text && text->find(setting) != std::string::npos;
  };
  const auto drop_in = std::find_if(status.drop_ins.begin(), status.drop_ins.end(), has_it);
  const std::string text =
      fmt::format("unit '{}': not started, since {} does not hold", unit, status.skipped_by);
  if (drop_in == status.drop_ins.end()) {
    return fmt::format("{}; see `systemctl cat {}`, take it out, then run: systemctl daemon-reload",
                       text, unit);
  }
  return fmt::format("{}; take it out of {}, then run: systemctl daemon-reload", text, *drop_in);
}

// As systemd_service_manager.cpp has it.
std::string assert_line(const std::string& unit) {
  return fmt::format("unit '{0}': job ended 'assert'; journalctl -u {0} -b", unit);
}

}  // namespace

tl::unexpected<Error> with_asserts(const Host& host, const std::vector<std::string>& units,
                                   Error error) {
  if (error.message.find("job ended 'assert'") == std::string::npos) return pass(error);
  const auto statuses = host.services.statuses(units);
  if (!statuses) return pass(error);
  for (const auto& [unit, status] : *statuses) {
    const std::string line = assert_line(unit);
    const auto at = error.message.find(line);
    if (at == std::string::npos || status.skipped_by.empty()) continue;
    // Alone, it is what a condition is: nothing that the unit did.
    if (error.message == line) error.kind = ErrorKind::conflict;
    error.message.replace(at, line.size(), told(host.files, unit, status));
  }
  return pass(error);
}

Result<void> none_is_skipped(const Host& host, const std::vector<std::string>& units) {
  const auto statuses = host.services.statuses(units);
  if (!statuses) return {};
  std::string text;
  for (const auto& [unit, status] : *statuses) {
    if (status.active_state != "inactive" || status.skipped_by.empty()) continue;
    text += (text.empty() ? "" : "\n") + told(host.files, unit, status);
  }
  return text.empty() ? Result<void>() : fail(ErrorKind::conflict, text);
}

}  // namespace muster
