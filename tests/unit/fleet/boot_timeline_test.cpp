#include "fleet/boot_timeline.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

Report report(const std::string& boot_id, Verdict verdict, std::vector<Phase> phases) {
  Report made;
  made.boot_id = boot_id;
  made.verdict = verdict;
  made.phases = std::move(phases);
  return made;
}

std::string text(const BootTimeline& boot) {
  std::string rows;
  for (const Phase& phase : boot.phases) {
    rows += fmt::format("{} {}-{} {}|", phase.name, phase.start_us, phase.end_us, phase.detail);
  }
  return rows;
}

}  // namespace

TEST_CASE("a boot's timeline is that boot's: a later converge does not overwrite it") {
  BootTimeline boot;
  add_report(boot,
             report("b1", Verdict::converging, {{"userspace", 0, 5, ""}, {"fetch", 5, 0, ""}}));
  add_report(boot, report("b1", Verdict::converged,
                          {{"userspace", 0, 5, ""}, {"fetch", 5, 7, "x"}, {"units", 7, 9, ""}}));
  const std::string settled = "userspace 0-5 |fetch 5-7 x|units 7-9 |";
  CHECK(text(boot) == settled);
  add_report(
      boot, report("b1", Verdict::converged, {{"userspace", 0, 429, ""}, {"fetch", 429, 430, ""}}));
  CHECK(text(boot) == settled);
  add_report(boot, report("b2", Verdict::converging, {{"userspace", 0, 4, ""}}));
  CHECK(text(boot) == "userspace 0-4 |");
}

TEST_CASE("what a boot tries again until it settles is in its timeline") {
  BootTimeline boot;
  add_report(boot, report("b1", Verdict::failed, {{"userspace", 0, 5, ""}, {"fetch", 5, 0, ""}}));
  add_report(boot,
             report("b1", Verdict::converged, {{"userspace", 0, 60, ""}, {"fetch", 60, 62, ""}}));
  CHECK(text(boot) == "userspace 0-5 |fetch 5-60 |fetch 60-62 |");
}

TEST_CASE("a timeline is kept, and has a bound") {
  BootTimeline boot;
  for (int i = 0; i < 300; ++i)
    add_report(boot, report("b1", Verdict::failed, {{"fetch", i, i + 1, "d"}}));
  CHECK(boot.phases.size() == 200);
  const BootTimeline kept = boot_timeline_of(to_value(boot));
  CHECK(text(kept) == text(boot));
  CHECK(kept.boot_id == "b1");
  CHECK_FALSE(kept.is_settled);
  CHECK(to_value(BootTimeline{}).is_null());
  CHECK(boot_timeline_of(nlohmann::json::parse(R"({"phases":[1,{"name":2}],"boot":[]})"))
            .phases.size() == 1);
}
