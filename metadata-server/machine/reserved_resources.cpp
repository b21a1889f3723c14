#include "machine/reserved_resources.hpp"

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint64_t MiB = 1ull << 20;
constexpr std::uint64_t GiB = 1ull << 30;

// 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % above four.
std::uint32_t reserved_cpu_millis(std::uint32_t cpus) {
  std::uint64_t hundredths = 0;  // of a millicore, so that quarters stay whole
  for (std::uint32_t core = 1; core <= cpus; ++core) {
    hundredths += core == 1 ? 6000u : core == 2 ? 1000u : core <= 4 ? 500u : 250u;
  }
  return static_cast<std::uint32_t>(hundredths / 100);
}

std::uint64_t gke_memory(std::uint64_t memory) {
  if (memory < GiB) return 255 * MiB;
  struct Band {
    std::uint64_t size, percent;
  };
  constexpr Band bands[] = {{4 * GiB, 25}, {4 * GiB, 20}, {8 * GiB, 10}, {112 * GiB, 6}};
  std::uint64_t reserved = 0;
  std::uint64_t left = memory;
  for (const Band& band : bands) {
    const std::uint64_t part = std::min(left, band.size);
    reserved += part / 100 * band.percent;
    left -= part;
  }
  return reserved + left / 100 * 2;
}

}  // namespace

ReservedResources reserved_resources(std::string_view policy, std::uint32_t cpus,
                                     std::uint64_t memory_bytes, std::uint32_t max_pods) {
  if (policy == "gke") return {reserved_cpu_millis(cpus), gke_memory(memory_bytes), 0};
  if (policy == "eks") return {reserved_cpu_millis(cpus), (255 + 11ull * max_pods) * MiB, GiB};
  return {};
}

}  // namespace muster
