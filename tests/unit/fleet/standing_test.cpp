#include "fleet/standing.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

const std::string old_one = "sha256:old", published = "sha256:new";

MachineRecord enrolled() {
  MachineRecord record;
  record.current.emplace();
  return record;
}

HeardMachine heard(Verdict verdict, const std::string& in_force, const std::string& fetched,
                   const std::string& etcd_member = {}) {
  HeardMachine machine;
  machine.report.emplace();
  machine.report->verdict = verdict;
  machine.report->document_digest = in_force;
  machine.report->fetched_digest = fetched;
  machine.report->etcd_member_id = etcd_member;
  return machine;
}

std::string standing(const HeardMachine& machine, std::int64_t silence = 10) {
  return std::string(name(standing_of(machine, {enrolled()}, published, silence)));
}

}  // namespace

TEST_CASE("a machine has converged when its report says that what is published is in force") {
  CHECK(standing(heard(Verdict::converged, published, published)) == "converged");
  // It told so of the document before: it has not even fetched this one.
  CHECK(standing(heard(Verdict::converged, old_one, old_one)) == "converging");
  CHECK(standing(heard(Verdict::converged, old_one, published)) == "converging");
  CHECK(standing(heard(Verdict::pending_changes, old_one, published)) == "pending-changes");
  CHECK(standing(heard(Verdict::pending_changes, old_one, old_one)) == "converging");
  CHECK(standing(heard(Verdict::failed, old_one, published)) == "failed");
  CHECK(standing(heard(Verdict::failed, old_one, old_one)) == "converging");
  CHECK(standing(heard(Verdict::failed, "", "")) == "failed");  // before its first document
  CHECK(standing(heard(Verdict::converging, published, published)) == "converging");
  // Agents before 0.3 tell one digest.
  CHECK(standing(heard(Verdict::converged, published, "")) == "converged");
  CHECK(standing(heard(Verdict::pending_changes, published, "")) == "pending-changes");
  CHECK(standing(HeardMachine()) == "converging");
}

TEST_CASE("a machine that says that it goes down is silent at once") {
  HeardMachine machine = heard(Verdict::converged, published, published);
  machine.report->is_stopping = true;
  CHECK(standing(machine, 0) == "silent");
  CHECK_FALSE(is_ready(machine));
}

TEST_CASE("banned and never enrolled are states of their own") {
  FoundMachine found;
  const auto word = [&] { return name(standing_of({}, found, published, 100000)); };
  CHECK(word() == "never-enrolled");
  found.ban.emplace();
  CHECK(word() == "banned");
  found = {enrolled()};
  CHECK(word() == "silent");
}

TEST_CASE("silent is who missed three of the polls that it was told") {
  const auto node = heard(Verdict::converged, published, published);
  CHECK(standing(node, 165) == "converged");
  CHECK(standing(node, 166) == "silent");
  const auto master = heard(Verdict::converged, published, published, "e1");
  CHECK(standing(master, 75) == "converged");
  CHECK(standing(master, 76) == "silent");
  CHECK(standing(heard(Verdict::failed, published, published), 91) == "silent");
  // Whoever converges reports by its steps, which may take their time.
  CHECK(standing(heard(Verdict::converging, published, published), 300) == "converging");
  CHECK(standing(heard(Verdict::converging, published, published), 301) == "silent");
}
