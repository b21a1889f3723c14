// What takes a machine's record away does not lift its ban: it bars the name and the key.
#include "enrolment/approval.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/caller.hpp"
#include "enrolment/expiry.hpp"
#include "enrolment/explain_enrolment.hpp"
#include "enrolment/remove.hpp"
#include "fakes/unreadable.hpp"
#include "publish/retired_members.hpp"
#include "records/pool_member.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {

const NodeName ci1{"lab", "ci-1"};
const std::string name_barred =
    "banned: machine 'n1': banned; an operator may lift it with `muster unban n1`";
const std::string key_barred =
    "banned: machine 'lab/ci-1': its key was banned under this name; an operator may lift it with `muster unban ci-1 --cluster lab`";

struct Pool : Enrolment {
  Machine stolen;

  Pool() {
    CHECK(name_at(stolen) == "ci-1");
    REQUIRE(ban(context, ci1, "stolen", "operator anna"));
  }
  Result<EnrolOutcome> ask(const Machine& machine, int last = 5) {
    return muster::enrol(context, request(machine, pool_token()), fmt::format("10.77.1.{}", last));
  }
  std::string name_at(const Machine& machine, int last = 5) {
    const auto outcome = ask(machine, last);
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    return outcome->node.node;
  }
  void release() {
    now += 1h;
    const NodeObjects none{false, nullptr, {}};
    PublicationMemory memory;
    CHECK(release_retired_members(store, memory, "lab", unix_seconds(now), 15min, none)->released ==
          1);
    CHECK_FALSE(find_member(store, "lab", "ci-1").value());
  }
  void check_barred_until_unban() {
    CHECK(refusal(ask(stolen)) == key_barred);
    CHECK(name_at({}, 6) == "ci-2");
    CHECK(banned_machines(store, "lab").value() == std::vector<std::string>{"ci-1"});
    REQUIRE(unban(context, ci1, "operator anna").value());
    CHECK_FALSE(unban(context, {"lab", "n1"}, "operator anna").value());
    CHECK(name_at(stolen) == "ci-1");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Pool, "a member that is removed, and whose place is free again, stays banned") {
  REQUIRE(remove_machine(context, ci1, "operator anna"));
  CHECK(refusal(ask(stolen)) == key_barred);
  release();
  check_barred_until_unban();
}

TEST_CASE_FIXTURE(Pool, "a member whose time is over stays banned when it took its tombstone") {
  auto member = find_member(store, "lab", "ci-1").value();
  member->record.ends_at = unix_seconds(now);
  Transaction ends;
  put_member(*member, ends);
  REQUIRE(store.commit(ends));
  REQUIRE(expire_member(context,
                        {member->record.ends_at, std::string(scheduled::member), "lab/ci-1", {}})
              .value());
  CHECK(
      refusal(ask(stolen)) ==
      "ended: machine 'lab/ci-1': its time in its pool (ttl) is over; run `muster-agent reset --yes` on it, so that it asks with a new key");
  REQUIRE(note_tombstone_taken(context, ci1, stolen.fingerprint()));
  release();
  check_barred_until_unban();
}

TEST_CASE_FIXTURE(Pool, "a pool whose names are banned is full before its maximum, and says so") {
  REQUIRE(remove_machine(context, ci1, "operator anna"));
  release();
  CHECK(name_at({}, 6) == "ci-2");
  CHECK(name_at({}, 7) == "ci-3");
  CHECK(
      refusal(ask({}, 8)) ==
      "pool_full: pool 'lab/ci': its 3 members are there, or have names that are banned (`muster unban NAME`); raise the pool's spec.maximum, or remove one with `muster node remove`, whose name is free again some minutes later");
}

TEST_CASE_FIXTURE(Pool, "who comes too late to be banned by its record is banned by its name") {
  REQUIRE(unban(context, ci1, "operator anna").value());
  REQUIRE(remove_machine(context, ci1, "operator anna"));
  REQUIRE(ban(context, ci1, "stolen", "operator anna").value());
  CHECK(refusal(ask(stolen)) == key_barred);
  release();
  CHECK(name_at({}, 6) == "ci-2");
}

TEST_CASE("a listed machine whose record goes, or is damaged, stays banned, whatever admits it") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  const Machine stolen{.hardware = 21}, other{.hardware = 21};
  const auto certificate = site.enrolled(stolen, site.token());
  REQUIRE(ban(site.context, n1, "stolen", "operator anna"));
  SUBCASE("gone") {
    Transaction gone;
    forget_machine(n1, gone);
    REQUIRE(site.store.commit(gone));
  }
  SUBCASE("damaged, and begun anew") {
    make_unreadable(site.store, kinds::machine, "lab/n1");
    REQUIRE(ban(site.context, n1, "", "operator anna").value());
    CHECK(find_ban(site.store, "lab", "n1").value()->reason == "stolen");
  }
  CHECK(refusal(identify(site.context, certificate)) == name_barred);
  CHECK(refusal(site.enrol(other, site.token())) == name_barred);
  const std::string barred =
      "banned: machine 'lab/n1': its key was banned under this name; an operator may lift it with `muster unban n1 --cluster lab`";
  CHECK(refusal(site.enrol(stolen, site.token())) == barred);
  // Nor by another name.
  CHECK(refusal(site.enrol({stolen.key, 22}, site.token())) == barred);
  CHECK(refusal(approve(site.context, {"lab", "n2", stolen.fingerprint()}, "operator bert")) ==
        barred);
  CHECK(refusal(approve(site.context, {"lab", "n1", other.fingerprint()}, "operator bert")) ==
        name_barred);
  REQUIRE(unban(site.context, n1, "operator anna").value());
  CHECK(site.store.count(kinds::banned_key).value() == 0);
  site.enrolled(stolen, site.token());
}

TEST_CASE("a ban meanwhile keeps an identity from being issued") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  Transaction issued;
  expect_not_banned("lab", "n1", machine.fingerprint(), issued);
  issued.put(kinds::machine, "lab/n1", "x");
  REQUIRE(ban(site.context, {"lab", "n1"}, "", "operator anna"));
  CHECK(site.store.commit(issued).error().kind == ErrorKind::conflict);
}

TEST_CASE("what is banned is explained by name and by key, and what nobody knows is not found") {
  Enrolment site;
  const Machine stolen{.hardware = 21};
  site.enrolled(stolen, site.token());
  REQUIRE(ban(site.context, {"lab", "n1"}, "stolen", "operator anna"));
  Transaction gone;
  forget_machine({"lab", "n1"}, gone);
  REQUIRE(site.store.commit(gone));
  for (const std::string& name : {std::string("n1"), stolen.fingerprint()}) {
    const auto explained = explain_enrolment(site.context, name, {"lab"});
    REQUIRE(explained);
    REQUIRE(explained->machines.size() == 1);
    CHECK(explained->machines[0].state == "banned");
    CHECK(explained->machines[0].ban->reason == "stolen");
    CHECK(explained->machines[0].ban->by == "operator anna");
  }
  CHECK(
      refusal(explain_enrolment(site.context, "nosuch", {"lab"})) ==
      "not_found: 'nosuch': nothing is known: the server refused nobody of that name since it started, nobody waits, no machine has it; look there with `journalctl -u muster-agent`");
}
