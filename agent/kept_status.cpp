#include "agent/kept_status.hpp"

#include "agent/paths.hpp"

namespace muster {

void keep_status(const Report& report, Filesystem& files) {
  Report kept = report;
  kept.counter = 0;
  kept.sent_at = 0;
  kept.phases.clear();
  kept.duties.reset();
  kept.lease_holder.reset();
  const std::string text = to_json(kept);
  if (const auto before = files.read(paths::kept_status); before && *before == text) return;
  // Nobody but a person misses it.
  if (!files.make_directory(paths::runtime, 0700)) return;
  static_cast<void>(files.write(paths::kept_status, text, 0600));
}

std::optional<Report> kept_status(const Filesystem& files) {
  const auto text = files.read(paths::kept_status);
  if (!text) return std::nullopt;
  auto report = parse_report(*text);
  if (!report) return std::nullopt;
  return std::move(*report);
}

}  // namespace muster
