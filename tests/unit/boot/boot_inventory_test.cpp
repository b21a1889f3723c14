#include "boot/boot_inventory.hpp"

#include <doctest/doctest.h>

#include "sample_machine.hpp"

using namespace muster;
using Kind = BootMatch::Kind;

TEST_CASE("a machine is found by its address, or by any mark of its hardware") {
  Node n1 = sample::node("lab", "n1", "10.77.0.21", {"0c:c4:7a:80:09:1f", "0c:c4:7a:80:09:20"});
  n1.match.uuid.value = "4c4c4544-0042-3510-8052-b4c04f4e3232";
  n1.match.serial.value = "S268357X";
  const auto inventory =
      sample::published({sample::cluster("lab", {sample::node("lab", "m1", "10.77.0.11"), n1})});
  CHECK(inventory.at_address("10.77.0.11").machine->name == NodeName{"lab", "m1"});
  CHECK(inventory.at_address("10.77.0.12").kind == Kind::unknown);
  CHECK(inventory.at_address("").kind == Kind::unknown);
  for (const MachineMarks& marks :
       {MachineMarks{{"0C-C4-7A-80-09-20"}, {}, {}, {}},
        MachineMarks{{}, "4C4C4544-0042-3510-8052-B4C04F4E3232", {}, {}},
        MachineMarks{{}, {}, "S268357X", {}}}) {
    REQUIRE(inventory.with_marks(marks).kind == Kind::found);
    CHECK(inventory.with_marks(marks).machine->name == NodeName{"lab", "n1"});
  }
  CHECK(inventory.with_marks({{}, {}, "S268357Y", {}}).kind == Kind::unknown);
  CHECK(inventory.with_marks({}).kind == Kind::unknown);
}

TEST_CASE("an address that two clusters use names neither machine") {
  const auto inventory =
      sample::published({sample::cluster("a", {sample::node("a", "n1", "10.0.0.1")}),
                         sample::cluster("b", {sample::node("b", "n1", "10.0.0.1"),
                                               sample::node("b", "n2", "10.0.0.2")})});
  CHECK(inventory.at_address("10.0.0.1").kind == Kind::ambiguous);
  CHECK(inventory.at_address("10.0.0.2").machine->name == NodeName{"b", "n2"});
}

TEST_CASE("an instance id is the inventory's, or made of the machine's name alone") {
  Node cloud = sample::node("lab", "n2", "10.77.0.22");
  cloud.match.instance_id.value = "i-0123";
  const auto before =
      sample::published({sample::cluster("lab", {sample::node("lab", "n1", "10.77.0.21")})});
  const auto after =
      sample::published({sample::cluster("lab", {sample::node("lab", "n1", "10.77.0.99"), cloud}),
                         sample::cluster("test", {sample::node("test", "n1", "10.78.0.21")})});
  CHECK(after.at_address("10.77.0.22").machine->instance_id == "i-0123");
  CHECK(before.at_address("10.77.0.21").machine->instance_id == "i-5f6646f11014bfc7d");
  CHECK(after.at_address("10.77.0.99").machine->instance_id == "i-5f6646f11014bfc7d");
  CHECK(after.at_address("10.78.0.21").machine->instance_id != "i-5f6646f11014bfc7d");
}

TEST_CASE("the network is the cluster's nodeCidr, else the /24 around the address") {
  auto wide = sample::cluster("lab", {sample::node("lab", "n1", "10.77.3.21")});
  CHECK(cidr_text(sample::published({wide}).at_address("10.77.3.21").machine->network) ==
        "10.77.3.0/24");
  CHECK(sample::published({wide}).at_address("10.77.3.21").machine->gateway == "");
  wide.cluster.node_cidr = Sourced<std::string>{"10.77.0.0/16", {}};
  wide.cluster.node_gateway = Sourced<std::string>{"10.77.0.1", {}};
  CHECK(sample::published({wide}).at_address("10.77.3.21").machine->gateway == "10.77.0.1");
  CHECK(cidr_text(sample::published({wide}).at_address("10.77.3.21").machine->network) ==
        "10.77.0.0/16");
}
