#include "enrolment/refusal_log.hpp"

#include "enrolment/explain_enrolment.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {

RefusalNote note(const std::string& source, const std::string& key, std::int64_t time) {
  RefusalNote made;
  made.source = source;
  made.key = key;
  made.code = "token_expired";
  made.first = made.last = time;
  return made;
}

}  // namespace

TEST_CASE("a refusal that is repeated is told once, with its count") {
  RefusalLog log;
  log.add(note("10.77.1.5", "a", 100));
  log.add(note("10.77.1.5", "b", 101));
  log.add(note("10.77.1.5", "a", 105));
  const auto found = log.find("10.77.1.5");
  REQUIRE(found.size() == 2);
  CHECK(found[1].key == "a");
  CHECK(found[1].count == 2);
  CHECK(found[1].first == 100);
  CHECK(found[1].last == 105);
}

TEST_CASE("a flood from one address, or from many, stays within its bounds") {
  RefusalLog log(4, 3);
  log.add(note("10.77.1.5", "mine", 100));
  for (int i = 0; i < 100; ++i) log.add(note("10.66.0.1", std::to_string(i), 200 + i));
  CHECK(log.size() == 4);
  CHECK(log.find("10.77.1.5").size() == 1);
  CHECK(log.find("10.66.0.1").size() == 3);
  for (int i = 0; i < 100; ++i) log.add(note("10.66.1." + std::to_string(i), "k", 400 + i));
  CHECK(log.size() == 6);  // of four sources
  CHECK(log.find("10.77.1.5").size() == 1);
  CHECK(log.find("10.66.1.99").size() == 1);
  RefusalNote large = note("10.77.1.6", "k", 600);
  large.message = std::string(1u << 20, 'x');
  large.hostname = std::string(1u << 20, 'x');
  log.add(large);
  CHECK(log.find("10.77.1.6").front().message.size() == 1024);
  CHECK(log.find("10.77.1.6").front().hostname.size() == 256);
}

TEST_CASE("a machine's notes are pushed out by no stranger's and no flood about another machine") {
  RefusalLog log;
  const auto about = [](const std::string& source, const std::string& node, std::int64_t time) {
    RefusalNote made = note(source, "", time);
    made.node = node;
    return made;
  };
  const auto address = [](int i) {
    return "10." + std::to_string(64 + i / 256) + "." + std::to_string(i % 256) + ".7";
  };
  log.add(about("10.77.0.21", "lab/n1", 100));
  log.add(about("10.77.0.22", "lab/n2", 101));
  log.add(note("10.77.0.23", "a machine that is listed nowhere yet", 102));
  for (int i = 0; i < 1200; ++i)
    log.add(note("10.66." + std::to_string(i / 250) + "." + std::to_string(i % 250), "", 200 + i));
  CHECK(log.find("10.77.0.23").size() == 1);  // its network has fewer
  for (int i = 0; i < 1200; ++i) log.add(note(address(i), "", 2000 + i));
  CHECK(log.find("lab/n1").size() == 1);
  CHECK(log.find("lab/n2").size() == 1);
  // In the name of n1: from one network, then from as many as there are addresses.
  for (int i = 0; i < 1200; ++i)
    log.add(about("10.66.1." + std::to_string(i % 250), "lab/n1", 4000 + i));
  CHECK(log.find("10.77.0.21").size() == 1);
  for (int i = 0; i < 1200; ++i) log.add(about(address(i), "lab/n1", 6000 + i));
  CHECK(log.find("lab/n1").size() == 16);
  CHECK(log.find("lab/n2").size() == 1);
  CHECK(log.size() <= 512);
}

TEST_CASE("a refusal is found by every name of the machine, until it is let in") {
  Enrolment site;
  const std::string token = site.pool_token();
  Machine machine;
  EnrolRequest request = site.request(machine, token);
  request.hints.hostname = "ip-10-77-2-5";
  CHECK_FALSE(muster::enrol(site.context, request, "10.77.2.5"));
  for (const std::string& name :
       {std::string("10.77.2.5"), std::string("ip-10-77-2-5"), machine.fingerprint()}) {
    const auto found = site.refusals.find(name);
    REQUIRE(found.size() == 1);
    CHECK(found.front().code == "address_outside");
    CHECK(found.front().asked == "pool 'lab/ci'");
    CHECK(found.front().token == token.substr(8, 16));
  }
  CHECK(site.refusals.find("").empty());
  CHECK(site.refusals.find("10.77.2.6").empty());
  CHECK_FALSE(muster::enrol(site.context, site.request(machine, token + "x"), "10.77.1.5"));
  CHECK(site.refusals.find("10.77.1.5").size() == 1);
  CHECK(muster::enrol(site.context, site.request(machine, token), "10.77.1.5"));
  CHECK(site.refusals.find("10.77.1.5").empty());
}

TEST_CASE("what is known of a machine is told under its name, its address and its key") {
  Enrolment site;
  const Machine machine;
  CHECK(muster::enrol(site.context, site.request(machine, site.pool_token()), "10.77.1.5"));
  for (const char* name : {"ci-1", "lab/ci-1", "10.77.1.5"}) {
    const auto explained = explain_enrolment(site.context, name, {"lab", "other"});
    REQUIRE(explained);
    REQUIRE(explained->machines.size() == 1);
    CHECK(explained->machines.front().state == "enrolled");
    CHECK(explained->machines.front().key == machine.fingerprint());
    CHECK(explained->machines.front().address == "10.77.1.5");
  }
  CHECK(explain_enrolment(site.context, "n1", {"lab"})->machines.front().state == "not enrolled");
  CHECK(refusal(explain_enrolment(site.context, "other/ci-1", {"lab", "other"}))
            .starts_with("not_found: 'other/ci-1': nothing is known: "));
  Machine listed{.hardware = 21};
  CHECK(site.enrol(listed)->pending);
  CHECK(explain_enrolment(site.context, "n1", {"lab"})->waiting.size() == 1);
  CHECK(refusal(explain_enrolment(site.context, "nobody", {"lab"}))
            .starts_with("not_found: 'nobody': nothing is known: "));
}

TEST_CASE("who asks for trust and goes away is told, until something from there goes on") {
  RefusalLog log(4, 3);
  log.asked_for_trust("10.77.1.5", 100);
  log.asked_for_trust("10.77.1.5", 160);
  log.asked_for_trust("10.77.1.6", 161);
  auto found = log.since(160);
  REQUIRE(found.size() == 2);
  CHECK(found[0].source == "10.77.1.5");
  CHECK(found[0].code == went_away);
  CHECK(found[0].count == 2);
  CHECK(found[0].first == 100);
  CHECK(log.since(161).size() == 1);
  CHECK(log.since(162).empty());
  log.add(note("10.77.1.5", "a", 170));
  log.went_on("10.77.1.5");
  found = log.find("10.77.1.5");
  REQUIRE(found.size() == 1);
  CHECK(found[0].code == "token_expired");
  log.went_on("10.77.1.6");
  CHECK(log.since(0).size() == 1);
  for (int i = 0; i < 100; ++i) log.asked_for_trust("10.66.1." + std::to_string(i), 400 + i);
  CHECK(log.size() == 4);
}
