#include "agent/run/exit_watch.hpp"

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
    return exit_failure(unit, status.restarts - known->second);
  }
  return std::nullopt;
}

Failure unit_failure(const std::string& unit, std::string_view what) {
  Error error{ErrorKind::conflict,
              fmt::format("unit '{0}': {1}; journalctl -u {0} -b", unit, what)};
  const FailureClass kind = class_of(StartUnits{}, error);
  FailureDetail detail;
  detail.unit = unit;
  return Failure{kind, std::move(error), std::move(detail)};
}

Failure exit_failure(const std::string& unit, std::size_t exits) {
  return unit_failure(unit, fmt::format("exited {} times after its start", exits));
}

}  // namespace muster
