#include "boot/cloud_init_seed.hpp"

#include <doctest/doctest.h>

#include "fakes/golden.hpp"
#include "sample_machine.hpp"

using namespace muster;

TEST_CASE("a seed is what cloud-init reads") {
  const BootMachine machine = sample::machine();
  check_golden("boot/meta-data", *seed_file("meta-data", machine, sample::site));
  check_golden("boot/user-data", *seed_file("user-data", machine, sample::site));
}

TEST_CASE("what there is nothing to say of is empty, and there") {
  const BootMachine machine = sample::machine();
  CHECK(seed_file("vendor-data", machine, sample::site) == "");
  CHECK(seed_file("network-config", machine, sample::site) == "");
  CHECK_FALSE(seed_file("", machine, sample::site));
  CHECK_FALSE(seed_file("passwd", machine, sample::site));
}

TEST_CASE("a network is told where the inventory has all of it") {
  BootMachine machine = sample::machine();
  machine.gateway = "10.77.0.1";
  machine.nameservers = {"10.77.0.2", "10.77.0.3"};
  check_golden("boot/network-config", *seed_file("network-config", machine, sample::site));
  machine.nameservers.clear();
  CHECK(seed_file("network-config", machine, sample::site)->ends_with("via: 10.77.0.1}]\n"));
  BootMachine two = machine, none = machine;
  two.macs.emplace_back("0c:c4:7a:80:09:20");
  none.macs.clear();
  CHECK(seed_file("network-config", two, sample::site) == "");
  CHECK(seed_file("network-config", none, sample::site) == "");
}

TEST_CASE("a name that YAML would read as something else stays text") {
  const auto inventory =
      sample::published({sample::cluster("lab", {sample::node("lab", "on", "10.0.0.1")})});
  CHECK(seed_file("meta-data", *inventory.at_address("10.0.0.1").machine, sample::site)
            ->ends_with("local-hostname: \"on\"\n"));
}
