#include "document/report_limits.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "document/utf8.hpp"

namespace muster {
namespace {

constexpr std::size_t maximum_rows = 200;
constexpr std::size_t longest_name = 128;
constexpr std::size_t longest_row = 512;
constexpr std::size_t longest_message = 8192;
constexpr std::size_t longest_log = 40;  // lines

void cut(std::string& text, std::size_t longest) {
  text.resize(cut_text(text, longest).size());
}

// What the server counts reports by; an unknown one would be a series of its own in its metrics.
constexpr std::string_view failure_classes[] = {"identity", "document", "clock",   "network",
                                                "disk",     "package",  "runtime", "kubelet",
                                                "etcd",     "api"};

// The last lines say why.
void cut_failure(FailureDetail& failure) {
  cut(failure.unit, longest_name);
  cut(failure.cure, longest_row);
  if (failure.log.size() > longest_log) {
    failure.log.erase(failure.log.begin(), failure.log.end() - longest_log);
  }
  for (std::string& line : failure.log) cut(line, longest_row);
}

constexpr std::int64_t last_second = 253402300799;  // of the year 9999

void cut_times(Report& report) {
  const auto cut_to = [](std::int64_t& time, std::int64_t last) {
    time = std::clamp<std::int64_t>(time, 0, last);
  };
  cut_to(report.sent_at, last_second);
  for (HealthProblem& problem : report.unwell) cut_to(problem.since, last_second);
  for (Phase& phase : report.phases) {
    cut_to(phase.start_us, last_second * 1000000);
    cut_to(phase.end_us, last_second * 1000000);
  }
}

}  // namespace

void keep_to_limits(Report& report, std::vector<Problem>& problems) {
  const auto count = [&](std::string_view where, std::size_t rows) {
    if (rows > maximum_rows) {
      problems.push_back({std::string(where),
                          fmt::format("expected at most {} rows, found {}", maximum_rows, rows)});
    }
  };
  count("/phases", report.phases.size());
  count("/pending", report.pending.size());
  count("/unwell", report.unwell.size());
  if (report.duties) {
    count("/duties/leaving", report.duties->leaving.size());
    count("/duties/drains", report.duties->drains.size());
    for (std::string& node : report.duties->leaving) cut(node, longest_row);
    for (NodeDrain& drain : report.duties->drains) {
      cut(drain.node, longest_row);
      cut(drain.message, longest_row);
    }
  }
  const bool known = report.failure_class.empty() ||
                     std::find(std::begin(failure_classes), std::end(failure_classes),
                               report.failure_class) != std::end(failure_classes);
  if (!known) {
    problems.push_back({"/failureClass", fmt::format("expected nothing or one of {}, found {}",
                                                     fmt::join(failure_classes, ", "),
                                                     in_ticks(report.failure_class))});
  }
  for (std::string* text : {&report.machine_id, &report.boot_id, &report.agent_version,
                            &report.document_digest, &report.fetched_digest, &report.pending_digest,
                            &report.etcd_cluster_id, &report.etcd_member_id, &report.boot_image}) {
    cut(*text, longest_name);
  }
  cut(report.message, longest_message);
  for (std::string& row : report.pending) cut(row, longest_row);
  for (Phase& phase : report.phases) {
    cut(phase.name, longest_name);
    cut(phase.detail, longest_row);
  }
  for (HealthProblem& problem : report.unwell) {
    cut(problem.subject, longest_name);
    cut(problem.message, longest_row);
  }
  if (report.refused_document) {
    cut(report.refused_document->digest, longest_name);
    cut(report.refused_document->reason, longest_message);
  }
  if (report.failure) cut_failure(*report.failure);
  if (report.lease_holder) cut(*report.lease_holder, longest_row);
  if (auto& found = report.contradiction) {
    for (std::string* text : {&found->of, &found->taken, &found->refused}) cut(*text, longest_name);
  }
  cut_times(report);
}

}  // namespace muster
