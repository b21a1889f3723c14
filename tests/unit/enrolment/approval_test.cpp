#include "enrolment/approval.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/expiry.hpp"
#include "enrolment/pending.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

TEST_CASE("a machine without a token waits, and is let in by its fingerprint") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const auto waits = site.enrol(machine);
  REQUIRE(waits);
  CHECK(waits->pending);
  CHECK(waits->fingerprint == machine.fingerprint());
  CHECK(waits->certificate_pem.empty());
  const auto pending = list_pending(site.context);
  REQUIRE(pending->size() == 1);
  CHECK(pending->front().proposed == NodeName{"lab", "n1"});
  CHECK(pending->front().source == "10.77.0.21");
  const std::string prefix = machine.fingerprint().substr(0, 7 + 16);
  const auto approved = approve(site.context, {"", "n1", prefix}, "operator anna");
  REQUIRE(approved);
  CHECK(approved->fingerprint == machine.fingerprint());
  REQUIRE(approve(site.context, {"lab", "n1", prefix}, "operator anna"));
  CHECK(site.audit("approved") ==
        std::vector<std::string>{"operator anna lab/n1 " + machine.fingerprint()});
  CHECK(site.enrolled(machine, "").common_name() == "n1");
  CHECK(list_pending(site.context)->empty());
  CHECK(site.audit("enrolled")
            .at(0)
            .starts_with("10.77.0.21 lab/n1 by approval of operator anna, key " +
                         machine.fingerprint()));
}

TEST_CASE("an approval is for one key") {
  Enrolment site;
  const Machine machine{.hardware = 21}, other{.hardware = 21};
  CHECK(site.enrol(machine)->pending);
  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  CHECK(site.enrol(other)->pending);
  CHECK_FALSE(site.record("n1").current);
}

TEST_CASE("what cannot be approved is told with its cure") {
  Enrolment site;
  const Machine machine;
  CHECK(site.enrol(machine)->pending);  // hardware that the inventory does not name
  CHECK(list_pending(site.context)->front().proposed == NodeName{});
  const auto refused = [&](const std::string& name, const std::string& fingerprint) {
    return refusal(approve(site.context, {"", name, fingerprint}, "operator anna"));
  };
  CHECK(refused("n9", machine.fingerprint()) ==
        "not_found: node 'n9': not in the inventory; apply an inventory that names it");
  CHECK(refused("n1", "sha256:ab") ==
        "invalid: fingerprint: expected 'sha256:' and at least 16 hex digits, found 'sha256:ab'");
  const std::string nobody = "sha256:" + std::string(63, '0');
  CHECK(
      refused("n1", nobody) ==
      "not_found: pending machine '" + nobody +
          "': there is none, or it stopped asking; `muster pending` shows those there are, and a whole fingerprint may be approved before its machine asks");
  site.enrolled({.hardware = 21}, site.token());
  CHECK(refused("n1", machine.fingerprint()).starts_with("live_identity: node 'lab/n1': "));
  REQUIRE(ban(site.context, {"lab", "n2"}, "stolen", "operator anna"));
  CHECK(refused("n2", machine.fingerprint()).starts_with("banned: machine 'n2': "));
  CHECK(list_pending(site.context)->front().approved == NodeName{});
}

TEST_CASE("a name that two clusters have needs the cluster") {
  Enrolment site;
  Inventory both = sample::inventory();
  both.nodes = {node("n1", Role::node, mac(21)), node("n1", Role::node, mac(31), "other")};
  site.inventory = std::make_shared<const EnrolmentInventory>(both);
  const Machine machine;
  CHECK(site.enrol(machine)->pending);
  CHECK(refusal(approve(site.context, {"", "n1", machine.fingerprint()}, "operator anna")) ==
        "ambiguous: node 'n1': in 2 clusters; say which with --cluster");
  REQUIRE(approve(site.context, {"other", "n1", machine.fingerprint()}, "operator anna"));
  CHECK(site.enrol(machine)->node == NodeName{"other", "n1"});
}

TEST_CASE("who waits is capped in all and by address, and forgotten an hour after it last asked") {
  Enrolment site;
  site.context.limits.pending = 3;
  site.context.limits.pending_per_source = 1;
  const auto ask = [&](const Machine& machine, const std::string& source) {
    return enrol(site.context, site.request(machine), source);
  };
  const Machine first, second, third, fourth;
  CHECK(ask(first, "a"));
  const std::string full =
      "pending_full: pending machines: the limit is reached; approve those that wait, or enrol with a join token";
  CHECK(refusal(ask(second, "a")) == full);
  CHECK(ask(second, "b"));
  CHECK(ask(third, "c"));
  CHECK(refusal(ask(fourth, "d")) == full);
  CHECK(ask(first, "a"));  // waits already
  site.now += 59min;
  CHECK(ask(first, "a"));
  CHECK(list_pending(site.context)->size() == 3);
  site.now += 1min;
  CHECK(list_pending(site.context)->size() == 1);
  CHECK(list_pending(site.context)->front().fingerprint == first.fingerprint());
  CHECK(ask(fourth, "d"));
  CHECK(site.store.count(kinds::pending).value() == 2);  // the expired ones made room
}

TEST_CASE("where all wait, a network that has more gives a place up, strangers before the listed") {
  Enrolment site;
  site.context.limits.pending = 6;
  const auto ask = [&](const Machine& machine, const std::string& source) {
    site.now += 1s;
    return enrol(site.context, site.request(machine), source);
  };
  const auto waits = [&](const Machine& machine) {
    return find_pending(site.context, machine.fingerprint())->version != 0;
  };
  const Machine listed{.hardware = 21}, other{.hardware = 22};
  const std::array<Machine, 5> flood;
  for (std::size_t i = 0; i < flood.size(); ++i)
    CHECK(ask(flood[i], fmt::format("10.0.1.{}", i + 1)));
  CHECK(ask(listed, "10.0.1.9"));
  const Machine stranger, second, third, late;
  CHECK(ask(stranger, "10.0.2.1"));
  CHECK_FALSE(waits(flood[0]));
  CHECK(ask(second, "10.0.2.2"));
  CHECK_FALSE(waits(flood[1]));
  CHECK(ask(third, "10.0.3.1"));
  CHECK_FALSE(waits(flood[2]));
  // Three, two and one: whoever comes to the second network only changes places.
  CHECK_FALSE(ask(late, "10.0.2.3"));
  CHECK(waits(listed));
  // A listed machine takes a stranger's place wherever it is.
  CHECK(ask(other, "10.0.1.7"));
  CHECK(waits(other));
  CHECK_FALSE(waits(flood[3]));
  // What was approved waits for its machine.
  REQUIRE(approve(site.context, {"lab", "n1", listed.fingerprint()}, "operator anna"));
  const Machine last;
  CHECK(ask(late, "10.0.4.1"));  // and takes no place of those who wait
  CHECK(waits(flood[4]));
  CHECK(ask(last, "10.0.5.1"));
  CHECK(waits(listed));
  CHECK_FALSE(waits(flood[4]));
}

TEST_CASE("networks without number that lie in one site's give places up like one") {
  Enrolment site;
  const auto ask = [&](const std::string& source) {
    site.now += 1s;
    return enrol(site.context, site.request(Machine{}), source);
  };
  site.context.limits.pending = 8;
  for (int network = 0; network < 8; ++network)
    CHECK(ask(fmt::format("2001:db8:1:{}::1", network)));
  CHECK(ask("10.77.0.21"));
  CHECK(ask("10.77.1.21"));
  CHECK(ask("10.77.2.21"));
  CHECK(ask("10.77.3.21"));
  CHECK_FALSE(ask("10.77.4.21"));  // four and four
  CHECK_FALSE(ask("2001:db8:1:99::1"));
  CHECK(site.store.count(kinds::pending).value() == 8);
}

TEST_CASE("a fingerprint is approved before its machine asks, be every place taken by others") {
  Enrolment site;
  site.context.limits.pending = 2;
  CHECK(enrol(site.context, site.request(Machine{}), "10.1.0.1"));
  CHECK(enrol(site.context, site.request(Machine{}), "10.2.0.1"));
  const Machine machine, other{.hardware = 22};
  CHECK(refusal(enrol(site.context, site.request(machine), "10.3.0.1"))
            .starts_with("pending_full: "));
  REQUIRE(approve(site.context, {"", "n1", machine.fingerprint()}, "operator anna"));
  CHECK(site.enrolled(machine, "").common_name() == "n1");
  // What is another node's by the inventory is not let in by it, and an hour later nobody is.
  REQUIRE(approve(site.context, {"", "m1", other.fingerprint()}, "operator anna"));
  CHECK(refusal(site.enrol(other))
            .starts_with("hints_other_node: machine " + other.fingerprint() +
                         ": approved as 'lab/m1' before it asked, "));
  const Machine late;
  REQUIRE(approve(site.context, {"", "m1", late.fingerprint()}, "operator anna"));
  site.now += 61min;
  CHECK(site.enrol(late)->pending);
}

TEST_CASE("asking again does not write each time, and an approval is not lost by it") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  CHECK(site.enrol(machine)->pending);
  const auto version = [&] {
    return site.store.get(kinds::pending, machine.fingerprint())->version;
  };
  const auto first = version();
  site.now += 14min;
  CHECK(site.enrol(machine)->pending);
  CHECK(version() == first);
  site.now += 2min;
  CHECK(site.enrol(machine)->pending);
  CHECK(version() != first);
  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  PendingMachine note = list_pending(site.context)->front();
  note.source = "elsewhere";
  note.approved = {};
  site.now += 5s;
  REQUIRE(note_pending(site.context, note));
  CHECK(list_pending(site.context)->front().approved == NodeName{"lab", "n1"});
}

TEST_CASE("hardware that is another node's is approved only by who says so") {
  Enrolment site;
  const Machine machine{.hardware = 21};  // n1's
  CHECK(site.enrol(machine)->pending);
  Approval approval{"", "m1", machine.fingerprint()};
  const auto told = refusal(approve(site.context, approval, "operator anna"));
  CHECK(told.starts_with("matches_other: pending machine " + machine.fingerprint() +
                         ": its hardware is that of 'lab/n1' by the inventory ("));
  CHECK(told.ends_with(
      "), not of 'lab/m1'; approve it as n1, mend the inventory, or repeat with --despite-match"));
  CHECK(list_pending(site.context)->front().approved == NodeName{});
  approval.despite_match = true;
  REQUIRE(approve(site.context, approval, "operator anna"));
  CHECK(list_pending(site.context)->front().approved == NodeName{"lab", "m1"});
}

TEST_CASE("an approval ends with its cluster, and with a node that is listed no more") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  CHECK(site.enrol(machine)->pending);
  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  Transaction end;
  REQUIRE(add_cluster_end(site.context, "lab", std::nullopt, end));
  REQUIRE(site.store.commit(end));
  REQUIRE(list_pending(site.context)->size() == 1);
  CHECK(list_pending(site.context)->front().approved == NodeName{});
  CHECK(site.enrol(machine)->pending);

  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  const auto listed = site.inventory;
  auto without = sample::inventory();
  std::erase_if(without.nodes, [](const Node& node) { return node.name.value == "n1"; });
  site.inventory = std::make_shared<const EnrolmentInventory>(without);
  CHECK(site.enrol(machine)->pending);
  site.inventory = listed;
  CHECK(site.enrol(machine)->pending);
}

TEST_CASE("what a stranger says keeps nobody's cluster from its end; an approval does") {
  Enrolment site;
  Machine stranger{.hardware = 21};
  const Machine other{.hardware = 22};
  CHECK(site.enrol(stranger)->pending);
  CHECK(site.enrol(other)->pending);
  const auto end = [&] {
    Transaction made;
    made.expect(kinds::cluster, "lab", site.store.get(kinds::cluster, "lab")->version);
    REQUIRE(add_cluster_end(site.context, "lab", std::nullopt, made));
    return made.put(kinds::cluster, "lab", "{}");
  };
  Transaction overtaken = end();
  REQUIRE(approve(site.context, {"lab", "n2", other.fingerprint()}, "operator anna"));
  CHECK(site.store.commit(overtaken).error().kind == ErrorKind::conflict);
  const Transaction made = end();
  site.now += 5s;
  stranger.hardware = 22;
  const auto version = site.store.get(kinds::pending, stranger.fingerprint())->version;
  CHECK(site.enrol(stranger)->pending);
  REQUIRE(site.store.get(kinds::pending, stranger.fingerprint())->version != version);
  REQUIRE(site.store.commit(made));
  const auto pending = list_pending(site.context);
  REQUIRE(pending);
  for (const auto& machine : *pending) CHECK(machine.approved == NodeName{});
}

TEST_CASE("a machine that says something else each time is written once in five seconds") {
  Enrolment site;
  Machine stranger{.hardware = 21};
  CHECK(site.enrol(stranger)->pending);
  const auto version = [&] {
    return site.store.get(kinds::pending, stranger.fingerprint())->version;
  };
  const auto first = version();
  stranger.hardware = 22;
  site.now += 4s;
  CHECK(site.enrol(stranger)->pending);
  CHECK(version() == first);
  site.now += 1s;
  CHECK(site.enrol(stranger)->pending);
  CHECK(version() != first);
  CHECK(list_pending(site.context)->front().proposed == NodeName{"lab", "n2"});
  // A clock that was put back keeps nobody's row as it is.
  const auto second = version();
  stranger.hardware = 21;
  site.now -= 1h;
  CHECK(site.enrol(stranger)->pending);
  CHECK(version() != second);
}

TEST_CASE("an approval stands while nobody can read whether its node is listed") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  CHECK(site.enrol(machine)->pending);
  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  const auto listed = site.inventory;
  const Error unread{ErrorKind::conflict, "quarantined", "cluster 'lab': in quarantine"};
  site.inventory =
      std::make_shared<const EnrolmentInventory>(listed->with("lab", Inventory(), pass(unread)));
  site.now += 20min;
  CHECK(site.enrol(machine)->pending);
  CHECK(list_pending(site.context)->front().approved == NodeName{"lab", "n1"});
  site.inventory = listed;
  CHECK(site.enrolled(machine, "").common_name() == "n1");
}

TEST_CASE("what is ordered while its cluster ends is refused") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  CHECK(site.enrol(machine)->pending);
  REQUIRE(site.store.commit(Transaction().remove(kinds::cluster, "lab")));
  const std::string ended =
      "not_found: cluster 'lab': it has ended; `muster status` shows the clusters there are";
  CHECK(refusal(approve(site.context, {"lab", "n1", machine.fingerprint()}, "x")) == ended);
  CHECK(refusal(ban(site.context, {"lab", "n1"}, "stolen", "x")) == ended);
  CHECK(refusal(order_converge(site.context, {"lab", "n1"}, "x")) == ended);
}
