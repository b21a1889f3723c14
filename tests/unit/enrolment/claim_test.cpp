#include "enrolment/claim.hpp"

#include <algorithm>
#include <set>

#include "enrolment/ban.hpp"
#include "records/boot_record.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {

const NodeName n1{"lab", "n1"};

struct Segment : Enrolment {
  Result<CreatedJoinToken> ask() { return claim_for(context, n1, "10.77.0.99"); }
  std::string claim() {
    auto told = ask();
    REQUIRE_MESSAGE(told, told.error().message);
    return told->text;
  }
  // Those that would admit somebody.
  std::size_t open_claims() {
    const auto tokens = list_join_tokens(store).value();
    return static_cast<std::size_t>(
        std::count_if(tokens.begin(), tokens.end(),
                      [&](const JoinToken& token) { return !!check_usable(token, now); }));
  }
};

}  // namespace

TEST_CASE("a claim admits one key of one node, as node, for a quarter of an hour") {
  Segment site;
  const std::string text = site.claim();
  const JoinToken token = find_join_token(site.store, text).value().token;
  CHECK(token.node == "n1");
  CHECK(token.role == Role::node);
  CHECK(token.count == 1);
  CHECK(token.expires_at - token.created_at == 900);
  CHECK(token.created_by == "a start by the network from 10.77.0.99");
  const Machine machine{.hardware = 21};
  CHECK(site.enrolled(machine, text).common_name() == "n1");
  const auto rows = site.audit("enrolled");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].find("by claim " + token.id) != std::string::npos);
  // The answer may be lost: the same key is told again.
  CHECK(site.enrolled(machine, text).common_name() == "n1");
}

TEST_CASE("an expired claim admits nobody") {
  Segment site;
  const std::string text = site.claim();
  site.now += 901s;
  CHECK(refusal(site.enrol({.hardware = 21}, text)).starts_with("token_expired: "));
}

TEST_CASE("a machine without a disk comes back with a new key and its own name, at each boot") {
  Segment site;
  std::string before;
  for (int boot = 0; boot < 3; ++boot) {
    const Machine machine{.hardware = 21};
    site.enrolled(machine, site.claim());
    CHECK(site.record("n1").current->key == machine.fingerprint());
    CHECK_FALSE(site.record("n1").frozen);
    if (!before.empty()) CHECK(site.record("n1").renewed == std::vector<std::string>{before});
    before = machine.fingerprint();
    site.now += 400s;
  }
}

TEST_CASE("two keys with one claim are contested: the identity is frozen, and nobody is silent") {
  Segment site;
  const std::string text = site.claim();
  const Machine first{.hardware = 21}, second{.hardware = 21};
  site.enrolled(first, text);
  CHECK(
      refusal(site.enrol(second, text)) ==
      "claim_contested: machine 'lab/n1': another key, " + first.fingerprint() +
          ", came with a claim of this start: one of the two is not this machine, and the identity is frozen; an operator compares fingerprints and decides with `muster node unfreeze n1 --keep FINGERPRINT` (this one's is " +
          second.fingerprint() + ")");
  const MachineRecord record = site.record("n1");
  CHECK(record.frozen);
  CHECK(record.current->key == first.fingerprint());
  REQUIRE(record.claimant);
  CHECK(record.claimant->key == second.fingerprint());
  CHECK(site.audit("frozen").size() == 1);
  // And nothing more is had by it, nor another claim.
  CHECK(refusal(site.enrol({.hardware = 21}, text)).starts_with("token_expired: "));
  CHECK(refusal(site.ask()).starts_with("frozen: "));
}

TEST_CASE("the race for a claim ends contested, whoever comes first") {
  for (const bool is_thief_first : {true, false}) {
    Segment site;
    const std::string genuine = site.claim(), stolen = site.claim();
    const Machine machine{.hardware = 21}, thief{.hardware = 21};
    const Machine& first = is_thief_first ? thief : machine;
    const Machine& later = is_thief_first ? machine : thief;
    site.now += 1s;
    site.enrolled(first, is_thief_first ? stolen : genuine);
    site.now += 1s;
    CHECK(refusal(site.enrol(later, is_thief_first ? genuine : stolen))
              .starts_with("claim_contested: "));
    // The operator has compared: the machine's own key is kept, and the machine goes on by it.
    REQUIRE(unfreeze(site.context, n1, machine.fingerprint(), "operator anna"));
    CHECK(site.enrolled(machine, genuine).common_name() == "n1");
    CHECK(refusal(site.enrol(thief, stolen)).starts_with("token_expired: "));
  }
}

TEST_CASE("what was ordered of a start ends with the enrolment by its claim, and with no other") {
  Segment site;
  const auto order = [&] {
    auto found = find_boot(site.store, "lab", "n1").value();
    found.record.reprovision_at = 7;
    found.record.reprovision_by = "operator anna";
    found.record.good = "image-tower/1";
    Transaction transaction;
    put_boot(found, transaction);
    REQUIRE(site.store.commit(transaction));
  };
  order();
  site.enrolled({.hardware = 21}, site.token());
  CHECK(find_boot(site.store, "lab", "n1")->record.reprovision_at == 7);
  site.enrolled({.hardware = 21}, site.claim());
  const BootRecord left = find_boot(site.store, "lab", "n1")->record;
  CHECK(left.reprovision_at == 0);
  CHECK(left.reprovision_by.empty());
  CHECK(left.good == "image-tower/1");
}

TEST_CASE("a claim is for the hardware that the inventory names, whatever the asking one said") {
  Segment site;
  const std::string text = site.claim();
  const std::string id = find_join_token(site.store, text)->token.id;
  CHECK(
      refusal(site.enrol({.hardware = 99}, text)) ==
      "claim_other_machine: claim '" + id +
          "': for a machine with MACs 02:4d:55:00:00:15 and UUID none by the inventory, used by one with 02:4d:55:00:00:63 and none; start that machine by the network itself");
  CHECK_FALSE(site.record("n1").current);
  CHECK(site.enrolled({.hardware = 21}, text).common_name() == "n1");
}

TEST_CASE("asking takes a claim from nobody and makes no other, however often") {
  Segment site;
  const std::string text = site.claim();
  for (int asked = 0; asked < 1000; ++asked) {
    site.now += 400ms;
    CHECK(site.claim() == text);
  }
  CHECK(list_join_tokens(site.store)->size() == 1);
  CHECK(site.audit("token-created").size() == 1);
  CHECK(site.enrolled({.hardware = 21}, text).common_name() == "n1");
}

TEST_CASE("a node has two open claims at most: the newest, and the one before") {
  Segment site;
  std::vector<std::string> told;
  for (int start = 0; start < 12; ++start) {
    told.push_back(site.claim());
    CHECK(site.open_claims() <= 2);
    site.now += 451s;  // no start has the time any more to come to the use of it
  }
  CHECK(std::set<std::string>(told.begin(), told.end()).size() == 12);
  CHECK(site.enrolled({.hardware = 21}, told.back()).common_name() == "n1");
  // One that is used is told nobody.
  site.now += 1s;
  CHECK(site.claim() != told.back());
}

TEST_CASE("who enrolled without its claim is not told the one that lay there before") {
  Segment site;
  const std::string unused = site.claim();
  site.now += 1s;
  site.enrolled({.hardware = 21}, site.token());
  site.now += 100s;
  const std::string text = site.claim();
  CHECK(text != unused);
  site.enrolled({.hardware = 21}, text);
  CHECK_FALSE(site.record("n1").frozen);
}

TEST_CASE("a banned machine is handed nothing") {
  Segment site;
  REQUIRE(ban(site.context, n1, "stolen", "operator anna"));
  CHECK(refusal(site.ask()).starts_with("banned: "));
}

TEST_CASE(
    "a claim takes nobody's say from an operator: replace, and a token's own rules, are as before") {
  Segment site;
  const Machine first{.hardware = 21}, second{.hardware = 21};
  site.enrolled(first, site.claim());
  CHECK(refusal(site.enrol(second, site.token())).starts_with("live_identity: "));
  CHECK_FALSE(site.record("n1").frozen);
}
