#include "enrolment/pending_reason.hpp"

#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {

PendingMachine waiting(const std::string& source, const std::string& hostname) {
  PendingMachine machine;
  machine.fingerprint = "sha256:ab";
  machine.source = source;
  machine.hints.hostname = hostname;
  machine.hints.macs = {mac(99)};
  return machine;
}

}  // namespace

TEST_CASE("a machine that waits is told what of it does not match, and of which node") {
  const EnrolmentInventory inventory(sample::inventory());
  auto why = why_pending(inventory, waiting("10.77.1.11", "other"));
  CHECK(why.node == NodeName{"lab", "m1"});
  CHECK(
      why.reason ==
      "no node of the inventory has MAC 02:4d:55:00:00:63; node 'lab/m1', whose address it has, is to have MAC 02:4d:55:00:00:0b");
  CHECK(
      why.cure ==
      "correct that node's `match` and run `muster apply DIR`, or muster approve m1 --fingerprint sha256:ab");
  why = why_pending(inventory, waiting("10.77.9.9", "n2"));
  CHECK(why.node == NodeName{"lab", "n2"});
  CHECK(why.reason.find("node 'lab/n2', whose name it has, is to have MAC") != std::string::npos);
  why = why_pending(inventory, waiting("10.77.9.9", "debian"));
  CHECK(why.node == NodeName{});
  CHECK(why.reason ==
        "no node of the inventory has MAC 02:4d:55:00:00:63, its address or its host name");
  auto known = waiting("10.77.9.9", "debian");
  known.hints.macs = {mac(21)};
  CHECK(why_pending(inventory, known).node == NodeName{"lab", "n1"});
  known.hints.macs.clear();
  CHECK(why_pending(inventory, known).reason.rfind("it says nothing of its hardware", 0) == 0);
}

TEST_CASE("a name that two clusters have tells nobody apart") {
  auto twice = sample::inventory();
  twice.nodes.push_back(node("n1", Role::node, mac(41), "other"));
  const EnrolmentInventory inventory(twice);
  CHECK(inventory.listed("", "n1") == nullptr);
  CHECK(inventory.listed("10.77.1.11", "n1")->name == NodeName{"lab", "m1"});
}
