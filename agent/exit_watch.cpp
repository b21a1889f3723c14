#include "agent/exit_watch.hpp"

namespace muster {
namespace {

constexpr std::uint32_t too_many = 3;

}  // namespace

std::optional<Failure> ExitWatch::look(const Host& host) {
  const auto now = host.clock.since_boot();
  if (now < next_) return std::nullopt;
  next_ = now + std::chrono::seconds(1);
  const auto statuses = host.services.statuses(units_);
  if (!statuses) return std::nullopt;
  for (const auto& [unit, status] : *statuses) {
    const auto [known, is_new] = first_.try_emplace(unit, status.restarts);
    // A count that went back: somebody started the unit anew.
    if (is_new || status.restarts < known->second) known->second = status.restarts;
    if (status.restarts - known->second < too_many) continue;
    Error error{
        ErrorKind::conflict,
        fmt::format(
            "unit '{0}': exited {1} times while the node was waited for; journalctl -u {0} -b",
            unit, status.restarts - known->second)};
    const FailureClass kind = class_of(StartUnits{}, error);
    FailureDetail detail;
    detail.unit = unit;
    return Failure{kind, std::move(error), std::move(detail)};
  }
  return std::nullopt;
}

}  // namespace muster
