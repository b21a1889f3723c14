// Where a backup is required, nobody is let into a cluster before its keys are in one.
#pragma once

#include <string>
#include <string_view>

#include "enrolment/enrolment_context.hpp"

namespace muster {

inline constexpr std::string_view awaits_backup_code = "awaits_backup";

// Whoever is let in is served what the cluster's keys sign: they are not to be lost with this disk.
[[nodiscard]] inline Result<bool> awaits_backup(const EnrolmentContext& context,
                                                const std::string& cluster) {
  if (!context.is_backed_up) return false;
  const auto is_there = context.is_backed_up(cluster);
  if (!is_there) return pass(is_there.error());
  return !*is_there;
}

inline constexpr std::string_view awaits_backup_cure =
    "muster backup FILE, and keep it elsewhere: it asks again and is let in";

// What whoever waits for it is told of.
[[nodiscard]] inline std::string awaits_backup_text(const std::string& cluster) {
  return fmt::format("cluster '{}': its CA keys are in no backup yet that is kept: {}", cluster,
                     awaits_backup_cure);
}

}  // namespace muster
