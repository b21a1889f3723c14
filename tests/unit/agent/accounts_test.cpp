#include "agent/foundation/accounts.hpp"

#include <doctest/doctest.h>

#include "agent/plan.hpp"
#include "agent/plan_text.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

bool is_account(const PlannedAction& planned) {
  return std::holds_alternative<MakeAccount>(planned.action);
}

}  // namespace

TEST_CASE("etcd's account is missed where the machine has none, and no other is made") {
  FakeFilesystem files;
  CHECK(reason_to_make_account(files, "etcd") == "missing");
  files.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnetcd:x:1:1::/:/bin/sh\n");
  CHECK(reason_to_make_account(files, "etcd") == "missing");
  CHECK(reason_to_make_account(files, "nobody-of-this-name") == "");
  CHECK(reason_to_make_account(files, "root") == "");
  files.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\netcd:x:999:999::/:/bin/sh\n");
  CHECK(reason_to_make_account(files, "etcd") == "");
}

TEST_CASE("it is made by systemd's own program, whose refusal is told") {
  FakeProcess process;
  REQUIRE(make_account(process, "etcd"));
  CHECK(process.runs ==
        std::vector<std::vector<std::string>>{{"/usr/bin/systemd-sysusers", "--inline",
                                               "u etcd - \"etcd of Muster\" /var/lib/etcd"}});
  process.answer = [](const ProcessRequest&) -> Result<ProcessOutcome> {
    return ProcessOutcome{1, "", "Failed to lock /etc/passwd\n"};
  };
  const auto refused = make_account(process, "etcd");
  REQUIRE(!refused);
  CHECK(
      refused.error().message ==
      "making the account 'etcd': systemd-sysusers ended with status 1: Failed to lock /etc/passwd\n");
}

// The keys are written as its own, and the unit that names it may be started at any time.
TEST_CASE("it is there before keys, files and units are") {
  DesiredState desired;
  desired.certificates.resize(1);
  desired.certificates[0].name = "etcd-server";
  ObservedState observed;
  observed.accounts["etcd"] = "missing";
  observed.certificates["etcd-server"] = "missing";
  observed.corrections.push_back(
      {CorrectFile{"/usr/lib/systemd/system/etcd.service", "root", 0644, "x"}, Cost::none,
       "missing"});
  const Plan plan = make_plan(desired, observed, Checkpoint(), RunKind::running);
  CHECK(to_text(plan, FakeFilesystem()) ==
        "  make account etcd (missing)\n"
        "  obtain 1 certificate (etcd-server: missing)\n"
        "  put right /usr/lib/systemd/system/etcd.service (missing)\n"
        "  reload systemd's units (unit files changed on disk)\n");
  const Plan foundation = foundation_of(plan);
  REQUIRE(foundation.actions.size() == 2);
  CHECK(is_account(foundation.actions[0]));
}
