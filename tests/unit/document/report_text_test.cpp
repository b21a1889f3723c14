#include "document/report_text.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("a report in one line") {
  constexpr std::int64_t now = 1'795'000'000;  // 2026-11-18 11:06:40 UTC
  Report report;
  report.verdict = Verdict::converged;
  CHECK(in_short(report, now) == "converged");
  CHECK(is_well(report));
  report.unwell = {{"kubelet", "NotReady", now - 600}, {"route 10.244.1.0/24", "absent", now}};
  CHECK(in_short(report, now) == "converged, unwell since 10:56 UTC: kubelet NotReady, and 1 more");
  CHECK_FALSE(is_well(report));
  report.unwell = {{"kubelet", "NotReady", now - 86'400}};
  CHECK(in_short(report, now) == "converged, unwell since 2026-11-17 11:06 UTC: kubelet NotReady");
  report.unwell[0].since = INT64_MAX;
  CHECK(in_short(report, now) == "converged, unwell since an unknown time: kubelet NotReady");
  report.unwell.clear();
  report.refused_document = {"sha256:0123456789abcdef", "kubelet exits\nwith 1"};
  report.configuration = Configuration::fallen_back;
  CHECK(in_short(report, now) == "converged, fallen back from sha256:0123456789ab: kubelet exits");
  report.configuration = Configuration::refused;
  report.verdict = Verdict::failed;
  report.failure_class = "disk";
  report.message = std::string(300, 'x');
  CHECK(in_short(report, now) == "failed (disk): " + std::string(200, 'x') +
                                     "..., refused sha256:0123456789ab: kubelet exits");
}
