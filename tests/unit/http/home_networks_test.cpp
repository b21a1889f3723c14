#include "http/home_networks.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace muster;

TEST_CASE("a certificate's name has one network at home: the one from which it came last") {
  HomeNetworks homes;
  CHECK_FALSE(homes.is_home("192.0.2.0/24"));
  homes.came_from("m1", "192.0.2.0/24");
  homes.came_from("m1", "192.0.2.0/24");
  homes.came_from("m2", "192.0.2.0/24");
  CHECK(homes.is_home("192.0.2.0/24"));
  homes.came_from("m1", "198.51.100.0/24");
  CHECK(homes.is_home("192.0.2.0/24"));
  homes.came_from("m2", "198.51.100.0/24");
  CHECK_FALSE(homes.is_home("192.0.2.0/24"));
  CHECK(homes.is_home("198.51.100.0/24"));
}

TEST_CASE("of more names than there are machines all are forgotten") {
  HomeNetworks homes;
  for (int i = 0; i < 65536; ++i) homes.came_from(fmt::format("m{}", i), "192.0.2.0/24");
  homes.came_from("m0", "192.0.2.0/24");
  CHECK(homes.is_home("192.0.2.0/24"));
  homes.came_from("one-more", "198.51.100.0/24");
  CHECK_FALSE(homes.is_home("192.0.2.0/24"));
  CHECK(homes.is_home("198.51.100.0/24"));
}
