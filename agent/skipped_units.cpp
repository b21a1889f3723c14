#include "agent/skipped_units.hpp"

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

}  // namespace

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
