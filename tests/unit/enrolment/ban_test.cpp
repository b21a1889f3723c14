#include "enrolment/ban.hpp"

#include "fakes/unreadable.hpp"
#include "records/bans.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

TEST_CASE("a ban is one row in the audit, however often it is said") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  REQUIRE(ban(site.context, n1, "stolen", "operator anna"));
  REQUIRE(ban(site.context, n1, "stolen", "operator anna"));
  CHECK(site.audit("banned") == std::vector<std::string>{"operator anna lab/n1 stolen"});
  CHECK(find_ban(site.store, "lab", "n1").value()->reason == "stolen");
  REQUIRE(ban(site.context, n1, "sold", "operator bert"));
  CHECK(find_ban(site.store, "lab", "n1").value()->reason == "sold");
  // Again and without a word: what was said of it stays.
  REQUIRE(ban(site.context, n1, "", "operator bert"));
  CHECK(find_ban(site.store, "lab", "n1").value()->reason == "sold");
  REQUIRE(unban(site.context, n1, "operator bert"));
  REQUIRE(unban(site.context, n1, "operator bert"));
  CHECK(site.audit("unbanned") == std::vector<std::string>{"operator bert lab/n1 "});
}

TEST_CASE("who was banned before it ever enrolled is not let in") {
  Enrolment site;
  REQUIRE(ban(site.context, {"lab", "n1"}, "not this one", "operator anna"));
  CHECK(refusal(site.enrol({.hardware = 21}, site.token())) ==
        "banned: machine 'n1': banned; an operator may lift it with `muster unban n1`");
  CHECK(refusal(site.enrol({.hardware = 21})).starts_with("banned: "));
  REQUIRE(unban(site.context, {"lab", "n1"}, "operator anna"));
  site.enrolled({.hardware = 21}, site.token());
}

TEST_CASE("a cluster's banned machines, for its masters' documents") {
  Enrolment site;
  CHECK(banned_machines(site.store, "lab")->empty());
  for (const char* name : {"n2", "m2"})
    REQUIRE(ban(site.context, {"lab", name}, "x", "operator a"));
  REQUIRE(ban(site.context, {"other", "o1"}, "x", "operator a"));
  CHECK(banned_machines(site.store, "lab").value() == std::vector<std::string>{"m2", "n2"});
  // It says no more why, and it holds.
  make_unreadable(site.store, kinds::ban, "lab/n2");
  CHECK(banned_machines(site.store, "lab").value() == std::vector<std::string>{"m2", "n2"});
  CHECK(find_ban(site.store, "lab", "n2").value()->reason.empty());
  CHECK(ban(site.context, {"lab", "n2"}, "sold", "operator a").value());
  CHECK(find_ban(site.store, "lab", "n2").value()->reason == "sold");
  REQUIRE(unban(site.context, {"lab", "n2"}, "operator a"));
  REQUIRE(unban(site.context, {"lab", "m2"}, "operator a"));
  CHECK(banned_machines(site.store, "lab")->empty());
}

TEST_CASE("orders about a node that nobody knows are refused") {
  Enrolment site;
  const NodeName n9{"lab", "n9"};
  const std::string unknown =
      "not_found: node 'lab/n9': not in the inventory; `muster node list` shows those there are";
  CHECK(refusal(ban(site.context, n9, "x", "operator a")) == unknown);
  CHECK(refusal(order_replacement(site.context, n9, "operator a")) == unknown);
  CHECK(refusal(order_converge(site.context, n9, "operator a")) == unknown);
  CHECK(refusal(freeze(site.context, n9, "x", "server")) == unknown);
  CHECK(site.store.count(kinds::machine).value() == 0);
}

TEST_CASE("a machine's record reads back whole, and damage is told as damage") {
  MachineRecord record;
  record.cluster = "lab";
  record.node = "n1";
  record.current = IssuedIdentity{"sha256:a", "01", 2, 1};
  record.previous = IssuedIdentity{"sha256:b", "02", 4, 3};
  record.frozen = record.replace_ordered = record.converge_ordered = true;
  record.freeze_reason = "f";
  record.replace_key = "sha256:c";
  record.replace_ordered_at = 4;
  record.converge_ordered_at = 3;
  record.boots = {{"m", "b", 7, 8, "n", 1}};
  record.uuid = "u";
  record.serial = "s";
  record.enrolled_at = 5;
  record.renewed = {"sha256:d"};
  record.claimant = IssuedIdentity{"sha256:e", "03", 6, 5};
  const std::string text = to_json(record);
  CHECK(to_json(parse_machine_record(text).value()) == text);
  CHECK(to_json(MachineRecord{}).find("OrderedAt") == std::string::npos);
  // Of a server before 0.3.
  std::string before = text;
  before.replace(before.find("\"renewed\":[\"sha256:d\"]"), 22, "\"refusedAt\":6");
  CHECK(parse_machine_record(before)->renewed.empty());
  Enrolment site;
  Transaction transaction;
  transaction.put(kinds::machine, "lab/n1", "{}");
  REQUIRE(site.store.commit(transaction));
  CHECK(find_machine(site.store, {"lab", "n1"}).error().kind == ErrorKind::corrupt);
  CHECK(
      refusal(site.enrol({.hardware = 21}, site.token())).starts_with("corrupt: machine 'lab/n1'"));
}
