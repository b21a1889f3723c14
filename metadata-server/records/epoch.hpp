// The site's epoch: how often its store went back to an older state (`muster-server restore`). What
// machines compare (generations, versions of the trust list and of secrets) is epoch * 2^32 + n, so
// that all that is made after a restore is above all that was made before it, known or not. Kind
// "site", key "epoch"; none: 0.
#pragma once

#include <cstdint>
#include <string_view>

#include "store/store.hpp"

namespace muster {

// Numbers of revisions have twelve digits in their keys, and all of JSON's readers reach 2^53.
inline constexpr std::uint64_t highest_epoch = 231;

[[nodiscard]] Result<std::uint64_t> find_epoch(const Store& store);
[[nodiscard]] Result<void> check_epoch_record(std::string_view json);
// Guarded by what is there. exhausted: above highest_epoch. conflict: not above what is there.
[[nodiscard]] Result<void> put_epoch(const Store& store, std::uint64_t epoch,
                                     Transaction& transaction);

[[nodiscard]] constexpr std::uint64_t epoch_of(std::uint64_t number) {
  return number >> 32;
}
// What follows `before` in an epoch.
[[nodiscard]] constexpr std::uint64_t next_number(std::uint64_t before, std::uint64_t epoch) {
  const std::uint64_t floor = epoch << 32;
  return (before > floor ? before : floor) + 1;
}

}  // namespace muster
