// The kernel's own routes, in a network namespace of the test's.
#include "agent/host/netlink_routes.hpp"

#include <doctest/doctest.h>
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "agent/host/posix_process.hpp"

using namespace muster;

namespace {

bool ip(const std::string& commands, const std::vector<std::string>& options = {}) {
  PosixProcess process;
  ProcessRequest request;
  request.arguments = {"/usr/bin/env", "ip"};
  request.arguments.insert(request.arguments.end(), options.begin(), options.end());
  request.arguments.insert(request.arguments.end(), {"-batch", "-"});
  request.input = commands;
  const auto outcome = process.run(request);
  return outcome && outcome->exit_status == 0;
}

// A thread may leave its namespace alone; its children are in the new one.
template <class Test>
void in_a_namespace(Test test) {
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0 || !ip("link set lo up\n")) {
      std::puts("SKIPPED: routes as the kernel has them: needs root and iproute2");
      return;
    }
    CHECK(
        ip("link add name v1 type veth peer name v2\naddr add 10.77.0.11/16 dev v1\n"
           "link set v1 up\nlink set v2 up\nroute add default via 10.77.0.1\n"));
    test();
  }).join();
}

}  // namespace

TEST_CASE("our routes are told as the kernel has them, and no others") {
  in_a_namespace([] {
    const NetlinkRoutes routes;
    CHECK(routes.ours()->empty());
    REQUIRE(
        ip("route add 10.244.3.0/24 via 10.77.0.13 proto 77\n"
           "route add 10.244.4.0/24 via 10.77.0.14\n"
           "route add 10.244.5.0/24 via 10.77.0.15 proto 77 table 99\n"
           "route add blackhole 10.244.6.0/24 proto 77\n"));
    const std::map<std::string, std::string> expected{{"10.244.3.0/24", "10.77.0.13"}};
    CHECK(*routes.ours() == expected);
    // A link that goes down takes its routes along, and nobody brings them back.
    CHECK(ip("link set v1 down\nlink set v1 up\n"));
    CHECK(routes.ours()->empty());
  });
}

TEST_CASE("an address is on a link where no gateway is between, and the machine's own is not") {
  in_a_namespace([] {
    const NetlinkRoutes routes;
    CHECK(*routes.is_on_link("10.77.0.13"));
    for (const char* absurd : {"203.0.113.9", "10.77.0.11", "10.77.255.255", "127.0.0.1", "0.0.0.0",
                               "224.0.0.5", "255.255.255.255", "", "n3"}) {
      CAPTURE(absurd);
      CHECK_FALSE(*routes.is_on_link(absurd));
    }
    CHECK(ip("link set v1 down\n"));
    CHECK_FALSE(*routes.is_on_link("10.77.0.13"));
  });
}

TEST_CASE("a packet's gateway is told, whatever table or metric decides it") {
  in_a_namespace([] {
    const NetlinkRoutes routes;
    const auto through = [&](const std::string& address) {
      return routes.gateways({address})->at(address);
    };
    REQUIRE(
        ip("route add 10.244.3.0/24 via 10.77.0.13 metric 100 proto 77\n"
           "route add 10.244.4.0/24 via 10.77.0.14 proto 77\n"));
    const std::map<std::string, std::string> ours{{"10.244.3.1", "10.77.0.13"},
                                                  {"10.244.4.1", "10.77.0.14"}};
    CHECK(*routes.gateways({"10.244.3.1", "10.244.4.1"}) == ours);
    CHECK(ip("route add 10.244.3.0/24 via 10.77.0.99 metric 10\n"));
    CHECK(through("10.244.3.1") == "10.77.0.99");
    CHECK(ip("route add 10.244.4.0/25 dev v1\n"));
    CHECK(through("10.244.4.1") == "");
    CHECK(
        ip("route del 10.244.4.0/25\nroute add 10.244.4.0/24 via 10.77.0.98 table 99\n"
           "rule add to 10.244.4.0/24 table 99\n"));
    CHECK(through("10.244.4.1") == "10.77.0.98");
    CHECK(ip("route add unreachable 10.244.5.0/24\n"));
    CHECK(through("10.244.5.1") == "");
    CHECK(through("n3") == "");
  });
}

TEST_CASE("what the kernel routes by a link is told, with the machine's addresses on it") {
  in_a_namespace([] {
    const NetlinkRoutes routes;
    REQUIRE(ip("link add cni0 type bridge\naddr add 10.244.7.1/24 dev cni0\nlink set cni0 up\n"));
    const auto found = [&] { return *routes.of_kernel("cni0"); };
    const std::map<std::string, std::string> connected{{"10.244.7.0/24", "10.244.7.1"}};
    CHECK(found().addresses == std::vector<std::string>{"10.244.7.1"});
    CHECK(found().connected == connected);
    CHECK(*routes.leaves_by("cni0", "10.244.7.2"));
    CHECK_FALSE(*routes.leaves_by("v1", "10.244.7.2"));
    CHECK_FALSE(*routes.leaves_by("cni0", "10.244.8.2"));
    CHECK(ip("route add 10.244.7.0/25 dev v1\n"));
    CHECK_FALSE(*routes.leaves_by("cni0", "10.244.7.2"));
    CHECK(found().connected == connected);
    CHECK(ip("route del 10.244.7.0/25\nroute del 10.244.7.0/24\n"));
    CHECK(found().connected.empty());
    CHECK(found().addresses.size() == 1);
    CHECK_FALSE(*routes.leaves_by("cni0", "10.244.7.2"));
    // One that somebody else set is not the kernel's.
    CHECK(ip("route add 10.244.7.0/24 dev cni0\n"));
    CHECK(found().connected.empty());
    CHECK(ip("route del 10.244.7.0/24\nlink set cni0 down\nlink set cni0 up\n"));
    CHECK(found().connected == connected);
    CHECK(ip("link set cni0 down\n"));
    CHECK(found().connected.empty());
    CHECK(found().addresses.size() == 1);
    CHECK(routes.of_kernel("none")->addresses.empty());
    CHECK_FALSE(*routes.leaves_by("none", "10.244.7.2"));
  });
}

TEST_CASE("a thousand routes are read whole, in milliseconds") {
  in_a_namespace([] {
    std::string commands;
    for (int i = 0; i < 1000; ++i) {
      commands +=
          fmt::format("route add 10.{}.{}.0/24 via 10.77.0.13 proto 77\n", 100 + i / 250, i % 250);
    }
    CHECK(ip(commands));
    const auto began = std::chrono::steady_clock::now();
    const auto routes = NetlinkRoutes().ours();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    CHECK(routes->size() == 1000);
    std::printf("1000 routes read in %.2f ms\n", took.count());
    std::vector<std::string> addresses;
    for (int i = 0; i < 1000; ++i) {
      addresses.push_back(fmt::format("10.{}.{}.1", 100 + i / 250, i % 250));
    }
    const auto asked = std::chrono::steady_clock::now();
    CHECK(NetlinkRoutes().gateways(addresses)->size() == 1000);
    const std::chrono::duration<double, std::milli> looked =
        std::chrono::steady_clock::now() - asked;
    std::printf("1000 gateways asked for in %.2f ms\n", looked.count());
  });
}
