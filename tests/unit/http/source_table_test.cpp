#include "http/source_table.hpp"

#include <doctest/doctest.h>

#include "enrolment/source_network.hpp"

using namespace muster;

using Entry = SourceTable::Entry;
using Names = std::vector<std::string>;

TEST_CASE("a source is an IPv4 address, or all of an IPv6 /64") {
  CHECK(source_of("192.0.2.7") == "192.0.2.7");
  CHECK(source_of("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(source_of("2001:db8::1") == "2001:db8::/64");
  CHECK(source_of("2001:db8:0:0:ffff::1") == "2001:db8::/64");
  CHECK(source_of("2001:db8:0:1::1") == "2001:db8:0:1::/64");
  CHECK(source_of("fe80::1%eth0") == "fe80::/64");
  CHECK(source_of("unix") == "unix");
  CHECK(source_of("") == "");
}

TEST_CASE("a network is an IPv4 /24, or an IPv6 /64") {
  CHECK(network_of("192.0.2.7") == "192.0.2.0/24");
  CHECK(network_of("::ffff:192.0.2.7") == "192.0.2.0/24");
  CHECK(network_of("2001:db8::1") == "2001:db8::/64");
  CHECK(network_of("unix") == "unix");
  CHECK(site_network_of("192.0.2.7") == "192.0.0.0/16");
  CHECK(site_network_of("2001:db8:1:2::1") == "2001:db8:1::/48");
  CHECK(site_network_of("unix") == "unix");
}

TEST_CASE("whoever has a /64 of IPv6 is one source") {
  SourceTable table(10, 2);
  CHECK(table.enter("2001:db8::1") == Entry::taken);
  CHECK(table.enter("2001:db8::2") == Entry::taken);
  CHECK(table.enter("2001:db8::3") == Entry::source_full);
  CHECK(table.enter("2001:db8:0:1::3") == Entry::taken);
  table.leave("2001:db8::2");
  CHECK(table.enter("2001:db8::4") == Entry::taken);
  CHECK(table.open() == 3);
}

TEST_CASE("of a full table, who holds more than the newcomer would is known, the greediest first") {
  SourceTable table(9, 0);
  for (const char* address : {"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.2.1",
                              "10.0.2.2", "10.0.2.3", "10.0.3.1", "10.0.3.2"})
    CHECK(table.enter(address) == Entry::taken);
  CHECK(table.enter("10.0.4.1") == Entry::full);
  CHECK(table.greedier_than("10.0.4.1") == Names{"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"});
  // One that has two may not take from one that has three: they would only change places.
  CHECK(table.greedier_than("10.0.3.3") == Names{"10.0.1.0/24"});
  CHECK(table.greedier_than("10.0.1.5").empty());
  table.leave("10.0.1.4");
  CHECK(table.greedier_than("10.0.3.3").empty());
  for (const char* address : {"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.2.1", "10.0.2.2",
                              "10.0.2.3", "10.0.3.1", "10.0.3.2"})
    table.leave(address);
  CHECK(table.greedier_than("10.0.4.1").empty());
  CHECK(table.open() == 0);
}

TEST_CASE("racks that are about alike take nothing from each other") {
  SourceTable table(100, 0);
  for (int i = 0; i < 49; ++i) CHECK(table.enter(fmt::format("10.0.1.{}", i)) == Entry::taken);
  for (int i = 0; i < 40; ++i) CHECK(table.enter(fmt::format("10.0.2.{}", i)) == Entry::taken);
  CHECK(table.greedier_than("10.0.2.99").empty());
  for (int i = 0; i < 3; ++i) table.leave(fmt::format("10.0.2.{}", i));
  CHECK(table.greedier_than("10.0.2.99") == Names{"10.0.1.0/24"});
}

TEST_CASE("a newcomer may enter in the place of one that leaves next, within its own cap") {
  SourceTable table(2, 1);
  CHECK(table.enter("10.0.1.1") == Entry::taken);
  CHECK(table.enter("10.0.1.2") == Entry::taken);
  CHECK(table.enter("10.0.2.1") == Entry::full);
  CHECK(table.enter("10.0.2.1", SourceTable::Place::anothers) == Entry::taken);
  CHECK(table.enter("10.0.2.1", SourceTable::Place::anothers) == Entry::source_full);
  table.leave("10.0.1.1");
  CHECK(table.open() == 2);
  CHECK(table.enter("10.0.3.1") == Entry::full);
}

TEST_CASE("a few have places beyond the total, paid back before anybody has a free one") {
  SourceTable table(32, 0);
  for (int i = 0; i < 32; ++i) CHECK(table.enter(fmt::format("10.0.1.{}", i)) == Entry::taken);
  CHECK(table.enter("10.0.2.1") == Entry::full);
  CHECK(table.enter("10.0.2.1", SourceTable::Place::beyond) == Entry::taken);
  CHECK(table.enter("10.0.3.1", SourceTable::Place::beyond) == Entry::taken);
  CHECK(table.enter("10.0.4.1", SourceTable::Place::beyond) == Entry::full);
  for (int i = 0; i < 2; ++i) {
    table.leave(fmt::format("10.0.1.{}", i));
    CHECK(table.enter("10.0.1.99") == Entry::full);
  }
  table.leave("10.0.1.2");
  CHECK(table.enter("10.0.1.99") == Entry::taken);
}
