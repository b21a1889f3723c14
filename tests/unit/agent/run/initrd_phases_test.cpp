#include "agent/run/initrd_phases.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

std::string phases_of(const std::string& text, std::int64_t kernel_us = 0) {
  FakeFilesystem files;
  files.put(paths::boot_phases, text);
  std::string rows;
  for (const Phase& phase : initrd_phases(files, kernel_us))
    rows += fmt::format("{} {}-{}|", phase.name, phase.start_us, phase.end_us);
  return rows;
}

}  // namespace

TEST_CASE("an initrd's phases end where the next begins") {
  CHECK(
      phases_of("drivers 1.25\nnetwork 3.50\nfetch 7.00\nroot 19.75\n", 1'000'000) ==
      "initrd drivers 2250000-4500000|initrd network 4500000-8000000|initrd fetch 8000000-20750000|initrd root 20750000-0|");
  CHECK(initrd_phases(FakeFilesystem(), 0).empty());
}

TEST_CASE("what is no phase is left out") {
  CHECK(phases_of("drivers\nnetwork x\nfetch -1\nroot nan\na 1e9\nfetch 2\nback 1\nroot 3") ==
        "initrd fetch 2000000-3000000|initrd root 3000000-0|");
  std::string many;
  for (int i = 0; i < 40; ++i) many += fmt::format("p{} {}\n", i, i);
  CHECK(phases_of(many).ends_with("initrd p15 15000000-0|"));
}
