#include <doctest/doctest.h>

#include "machine/reserved_resources.hpp"

using namespace muster;

namespace {

constexpr std::uint64_t MiB = 1ull << 20;
constexpr std::uint64_t GiB = 1ull << 30;

double gke_gib(std::uint64_t memory) {
  return static_cast<double>(reserved_resources("gke", 1, memory, 110).memory_bytes) /
         static_cast<double>(GiB);
}

}  // namespace

TEST_CASE("reserved CPU: the fixtures of amazon-eks-ami") {
  const auto millis = [](std::uint32_t cpus) {
    return reserved_resources("eks", cpus, GiB, 110).cpu_millis;
  };
  CHECK(millis(1) == 60);
  CHECK(millis(2) == 70);
  CHECK(millis(4) == 80);
  CHECK(millis(64) == 230);
  CHECK(millis(128) == 390);
  CHECK(reserved_resources("gke", 64, GiB, 110).cpu_millis == 230);
}

TEST_CASE("reserved memory, eks") {
  CHECK(reserved_resources("eks", 2, 8 * GiB, 58).memory_bytes == 893 * MiB);
  CHECK(reserved_resources("eks", 2, 8 * GiB, 110).memory_bytes == 1465 * MiB);
  CHECK(reserved_resources("eks", 2, 8 * GiB, 110).ephemeral_storage_bytes == GiB);
}

TEST_CASE("reserved memory, gke") {
  CHECK(reserved_resources("gke", 1, GiB / 2, 110).memory_bytes == 255 * MiB);
  CHECK(gke_gib(4 * GiB) == doctest::Approx(1.0).epsilon(0.0001));
  CHECK(gke_gib(16 * GiB) == doctest::Approx(2.6).epsilon(0.0001));
  // 9.8577 GiB in all with the 100 MiB that eviction keeps.
  CHECK(gke_gib(150 * GiB) + 100.0 / 1024 == doctest::Approx(9.8577).epsilon(0.0001));
  CHECK(gke_gib(1024 * GiB) == doctest::Approx(27.24).epsilon(0.0001));
}

TEST_CASE("none reserves nothing") {
  const ReservedResources reserved = reserved_resources("none", 128, 1024 * GiB, 110);
  CHECK(reserved.cpu_millis == 0);
  CHECK(reserved.memory_bytes == 0);
  CHECK(reserved.ephemeral_storage_bytes == 0);
}
