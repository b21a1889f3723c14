#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "cli/dhcp_rival.hpp"
#include "operator_api.hpp"

using namespace muster;

namespace {

struct Fixture {
  ScratchFolder folder;
  Fixture() {
    std::ofstream(folder.path("site.yaml")) << R"(apiVersion: muster/v1
kind: Cluster
metadata: {name: lab}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16}
---
apiVersion: muster/v1
kind: Node
metadata: {name: m1}
spec: {cluster: lab, role: master, address: 10.77.0.11}
)";
  }
  void add_node() const {
    std::ofstream(folder.path("n1.yaml")) << R"(apiVersion: muster/v1
kind: Node
metadata: {name: n1}
spec: {cluster: lab, role: node, address: 10.77.0.21, match: {mac: ["0C:C4:7A:80:09:1F"]}, bmc: {mac: 0C-C4-7A-80-09-2F, address: 10.78.0.21}}
)";
  }
  [[nodiscard]] fake::Ran config(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"dhcp", "config", folder.path()};
    words.insert(words.end(), more.begin(), more.end());
    return fake::muster(words);
  }
};

}  // namespace

// What dnsmasq makes of it: tests/integration/test_dnsmasq_config.py.
TEST_CASE_FIXTURE(Fixture,
                  "dhcp config gives a listed machine its address, and beside a server none") {
  add_node();
  const auto full =
      config({"--interface", "eth1", "--boot-server", "http://10.77.0.1:8080", "--mode", "full"});
  REQUIRE_MESSAGE(full.exit == 0, full.err);
  for (const char* line :
       {"interface=eth1\n", "bind-interfaces\n", "dhcp-range=10.77.0.0,static,255.255.255.0,1h\n",
        "dhcp-host=0c:c4:7a:80:09:1f,set:cluster-lab,10.77.0.21,n1\n",
        "dhcp-range=10.78.0.0,static,255.255.255.0,1h\n",
        "dhcp-host=0c:c4:7a:80:09:2f,set:cluster-lab,10.78.0.21\n",
        "dhcp-option=tag:cluster-lab,option:router\n",
        "dhcp-boot=tag:ipxe,http://10.77.0.1:8080/boot.ipxe\n"})
    CHECK_MESSAGE(full.out.find(line) != std::string::npos, line);
  CHECK(full.out.find("pxe-service") == std::string::npos);  // it breaks UEFI there
  const auto proxy = config({"--interface", "eth1", "--boot-server", "http://10.77.0.1:8080"});
  CHECK(proxy.out.find("dhcp-range=10.77.0.0,proxy,255.255.255.0\n") != std::string::npos);
  CHECK(proxy.out.find("dhcp-host") == std::string::npos);
  CHECK(proxy.out.find("pxe-service=tag:!ipxe,7,muster,snponly.efi\n") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture,
                  "dhcp config refuses what neither dnsmasq nor firmware would take, all at once") {
  const auto ran = config({"--interface", "eth1,eth2", "--boot-server", "http://boot.example:8080",
                           "--range", "10.77.0.5"});
  CHECK(ran.exit != 0);
  CHECK(
      ran.err ==
      "muster: dhcp config: refused, 4 problems:\n"
      "--interface: expected a network interface's name, found 'eth1,eth2'\n"
      "--boot-server: expected an IPv4 address, since firmware resolves no names, found 'http://boot.example:8080'\n"
      "--range: expected it with --mode full alone, since another server answers the rest, found '10.77.0.5'\n"
      "DIR: expected a node with spec.match.mac, by which a machine is known before it has an address, found none\n");
}

// By a real server: tests/integration/test_dnsmasq_config.py. Here: whatever comes in on the wire.
TEST_CASE("an OFFER is read of whole packets alone, in their own transaction") {
  std::string packet = dhcp_discover({2, 0, 0, 0, 0, 1}, 7);
  CHECK_FALSE(read_dhcp_offer(packet, 7));  // a question is no answer
  const std::size_t message = 28, options = message + 240;
  packet[message - 6] = 0, packet[message - 5] = 68;
  packet[message] = 2;
  packet.replace(message + 16, 4, "\x0a\x4d\x00\x5a", 4);
  packet.replace(options, 10, "\x35\x01\x02\x36\x04\x0a\x4d\x00\xfe\xff", 10);
  const auto offer = read_dhcp_offer(packet, 7);
  REQUIRE(offer);
  CHECK(offer->server == "10.77.0.254");
  CHECK(offer->address == "10.77.0.90");
  CHECK_FALSE(read_dhcp_offer(packet, 8));
  for (std::size_t size = 0; size < options + 3; ++size)
    CHECK_FALSE(read_dhcp_offer({packet.data(), size}, 7));
  std::string endless = packet.substr(0, options) + "\x0c\xff";
  CHECK_FALSE(read_dhcp_offer(endless, 7));
  packet.replace(message + 16, 4, 4, '\0');  // of a proxy
  CHECK_FALSE(read_dhcp_offer(packet, 7));
}

TEST_CASE("who gives addresses alone is read of the configuration as it was written") {
  CHECK(interfaces_alone("interface=eth1\ninterface=eth2\ndhcp-authoritative\n") ==
        std::vector<std::string>{"eth1", "eth2"});
  CHECK(interfaces_alone("interface=eth1\n# dhcp-authoritative\n").empty());
  CHECK(interfaces_alone("").empty());
}
