#include "document/ipv4.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("networks are read strictly") {
  CHECK(parse_cidr("10.244.0.0/16"));
  CHECK(parse_cidr("0.0.0.0/0"));
  for (const char* text : {"10.244.0.1/16", "10.244.0.0", "10.244.0.0/33", "10.244.0.0/",
                           "10.0.0.0/08", "10.0.0.0/+8", "x/8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cidr(text));
  }
}

TEST_CASE("networks hold addresses and each other") {
  CHECK(parse_cidr("10.0.0.0/8")->contains(*parse_cidr("10.9.0.0/16")));
  CHECK_FALSE(parse_cidr("10.9.0.0/16")->contains(*parse_cidr("10.0.0.0/8")));
  CHECK(parse_cidr("10.9.0.0/16")->overlaps(*parse_cidr("10.0.0.0/8")));
  CHECK_FALSE(parse_cidr("10.9.0.0/16")->overlaps(*parse_cidr("10.10.0.0/16")));
  CHECK(parse_cidr("0.0.0.0/0")->contains(ipv4_value("255.255.255.255").value()));
}

TEST_CASE("networks are written and counted") {
  const Cidr network = parse_cidr("10.96.0.0/30").value();
  CHECK(cidr_text(network) == "10.96.0.0/30");
  CHECK(nth_address(network, 1) == "10.96.0.1");
  CHECK(nth_address(network, 3) == "10.96.0.3");
  CHECK(nth_address(network, 4).empty());
  CHECK(end_of(parse_cidr("0.0.0.0/0").value()) == std::uint64_t{1} << 32);
  CHECK(cidr_text(cidr_around(ipv4_value("10.77.3.9").value(), 24)) == "10.77.3.0/24");
  CHECK(cidr_text(cidr_around(ipv4_value("10.77.3.9").value(), 0)) == "0.0.0.0/0");
}
