#include "enrolment/clone_detection.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/caller.hpp"
#include "enrolment/pending.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {
Report report(const std::string& machine, const std::string& boot, std::uint64_t counter,
              std::int64_t sent_at) {
  Report made;
  made.machine_id = machine;
  made.boot_id = boot;
  made.counter = counter;
  made.sent_at = sent_at;
  return made;
}

Caller calling(const NodeName& node, const Machine& machine) {
  Caller made;
  made.node = node;
  made.key = machine.fingerprint();
  return made;
}
}  // namespace

TEST_CASE("one machine that reboots, repeats itself or empties its spool late is one machine") {
  MachineRecord record;
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 1, 100)));
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 2, 110)));
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 2, 110)));
  CHECK_FALSE(observe_report(record, report("m", "boot-2", 4, 200)));
  // Sent before the reboot, delivered after it.
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 3, 120)));
  CHECK_FALSE(observe_report(record, report("m", "boot-2", 5, 210)));
  // Reinstalled under the same key: another machine id, another boot.
  CHECK_FALSE(observe_report(record, report("other", "boot-3", 1, 300)));
  CHECK(record.boots.size() == 3);
}

TEST_CASE("two machines that report by turns with one key are told from it") {
  MachineRecord record;
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 1, 100)));
  CHECK_FALSE(observe_report(record, report("clone", "boot-2", 2, 150)));
  CHECK(
      observe_report(record, report("m", "boot-1", 3, 160)) ==
      "boots 'boot-1' (machine 'm', report 3) and 'boot-2' (machine 'clone', report 2) report by turns");
}

TEST_CASE("one boot is of one machine: two that report by turns under it are told") {
  MachineRecord record;
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 1, 100)));
  CHECK_FALSE(observe_report(record, report("clone\x1b", "boot-1", 2, 110)));
  CHECK_FALSE(observe_report(record, report("m", "boot-1", 3, 120)));
  CHECK(observe_report(record, report("clone\x1b", "boot-1", 4, 130)) ==
        "boot 'boot-1' reports by turns as machine 'm' and as machine 'clone\\x1b'");
}

TEST_CASE("a machine id that is emptied, made anew or put back is no second machine") {
  MachineRecord record;
  std::uint64_t counter = 0;
  for (const char* id : {"m", "", "m", "", "uninitialized", "other", "", "other", "m", "m"})
    CHECK_FALSE(observe_report(record, report(id, "boot-1", ++counter, 100)));
  // An older report that comes late is no turn.
  CHECK_FALSE(observe_report(record, report("other", "boot-1", 3, 100)));
  CHECK_FALSE(observe_report(record, report("m", "boot-1", ++counter, 100)));
  CHECK(record.boots.size() == 1);
}

TEST_CASE("the last eight boots are remembered") {
  MachineRecord record;
  for (int boot = 1; boot <= 20; ++boot) {
    CHECK_FALSE(observe_report(record, report("m", fmt::format("boot-{}", boot), 1, boot)));
  }
  CHECK(record.boots.size() == 8);
  CHECK(record.boots.back().boot_id == "boot-20");
}

TEST_CASE(
    "a clone freezes the identity with the report that shows it, until an operator keeps a key") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  const Machine machine{.hardware = 21};
  const auto certificate = site.enrolled(machine, site.token());
  const Caller caller = calling(n1, machine);
  CHECK_FALSE(note_report(site.context, caller, report("m", "boot-1", 1, 100))->froze);
  CHECK_FALSE(note_report(site.context, caller, report("clone", "boot-2", 2, 150))->froze);
  CHECK(note_report(site.context, caller, report("m", "boot-1", 3, 160))->froze);
  CHECK_FALSE(
      note_report(site.context, caller, report("clone", "boot-2", 4, 170))->froze);  // is so
  CHECK(
      site.audit("frozen") ==
      std::vector<std::string>{
          "server lab/n1 boots 'boot-1' (machine 'm', report 3) and 'boot-2' (machine 'clone', report 2) report by turns"});
  CHECK(identify(site.context, certificate)->frozen);
  CHECK(refusal(site.enrol(machine, site.token())).starts_with("frozen: machine 'n1': "));
  CHECK(
      refusal(unfreeze(site.context, n1, "sha256:other", "operator anna")) ==
      fmt::format(
          "fingerprint_other: node 'lab/n1': expected --keep with the fingerprint of its identity key ({}) or of a pending machine, found 'sha256:other'",
          machine.fingerprint()));
  REQUIRE(unfreeze(site.context, n1, machine.fingerprint(), "operator anna"));
  CHECK_FALSE(identify(site.context, certificate)->frozen);
  CHECK(site.record("n1").boots.empty());
  CHECK(site.audit("unfrozen") ==
        std::vector<std::string>{"operator anna lab/n1 keeps " + machine.fingerprint()});
}

TEST_CASE("unfreezing for a machine that waits gives it the name, and to no other key") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  const Machine old{.hardware = 21}, next, third{.hardware = 21};
  const auto certificate = site.enrolled(old, site.token());
  CHECK(site.enrol(next)->pending);
  REQUIRE(freeze(site.context, n1, "two of them", "server"));
  REQUIRE(unfreeze(site.context, n1, next.fingerprint(), "operator anna"));
  CHECK(refusal(site.enrol(third, site.token())).starts_with("live_identity: "));
  CHECK(site.enrolled(next, "").common_name() == "n1");
  CHECK(refusal(identify(site.context, certificate)).starts_with("superseded: "));
}

TEST_CASE("a report is one transaction, with what its author adds, and hears of an order once") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  const Machine machine{.hardware = 21};
  site.enrolled(machine, site.token());
  const Caller caller = calling(n1, machine);
  REQUIRE(order_converge(site.context, n1, "operator anna"));
  const auto also = [](Transaction& transaction) {
    CHECK(transaction.changes.size() == 1);
    transaction.put(kinds::report, "lab/n1", "{}");
  };
  CHECK(note_report(site.context, caller, report("m", "boot-1", 1, 100), also)->converge);
  CHECK(site.store.get(kinds::report, "lab/n1"));
  CHECK_FALSE(note_report(site.context, caller, report("m", "boot-1", 2, 110))->converge);
  CHECK(
      note_report(site.context, calling({"lab", "n9"}, machine), report("m", "boot-1", 1, 1), also)
          .error()
          .message ==
      "machine 'lab/n9': its identity was removed while it reported; to let the machine in: on it `muster-agent reset --yes`, then a join token (`muster token create`) into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
}

TEST_CASE("a freeze stays where the machine that should get the name is refused") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  const Machine old{.hardware = 21}, next;
  site.enrolled(old, site.token());
  CHECK(site.enrol(next)->pending);
  REQUIRE(freeze(site.context, n1, "two of them", "server"));
  REQUIRE(ban(site.context, n1, "stolen", "operator anna"));
  CHECK(refusal(unfreeze(site.context, n1, next.fingerprint(), "operator anna"))
            .starts_with("banned: "));
  CHECK(site.record("n1").frozen);
  CHECK_FALSE(site.record("n1").replace_ordered);
}

TEST_CASE("an order to converge is told until a report says that it was heard") {
  Enrolment site;
  const NodeName n1{"lab", "n1"};
  const Machine machine{.hardware = 21};
  site.enrolled(machine, site.token());
  const Caller caller = calling(n1, machine);
  std::uint64_t counter = 0;
  const auto tells = [&](std::optional<std::int64_t> heard) {
    Report made = report("m", "boot-1", ++counter, 100);
    made.heard_order = heard;
    return note_report(site.context, caller, made).value();
  };
  REQUIRE(order_converge(site.context, n1, "operator anna"));
  const std::int64_t order = site.record("n1").converge_ordered_at;
  for (int lost = 0; lost < 2; ++lost) {
    const ReportNote note = tells(0);
    CHECK(note.converge);
    CHECK(note.order == order);
    CHECK(site.record("n1").converge_ordered);
  }
  CHECK_FALSE(tells(order).converge);
  CHECK_FALSE(site.record("n1").converge_ordered);
  site.now += std::chrono::seconds(1);
  REQUIRE(order_converge(site.context, n1, "operator anna"));
  CHECK(tells(order).converge);
  CHECK_FALSE(tells(order + 1).converge);
  // An agent that does not say would be told for ever.
  REQUIRE(order_converge(site.context, n1, "operator anna"));
  CHECK(tells(std::nullopt).converge);
  CHECK_FALSE(tells(std::nullopt).converge);
}
