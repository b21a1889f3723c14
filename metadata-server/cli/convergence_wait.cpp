#include "cli/convergence_wait.hpp"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "cli/answer.hpp"
#include "document/time_text.hpp"

namespace muster {
namespace {

struct Counts {
  std::string text;
  std::int64_t waiting = 0, failed = 0;
};

void add(const nlohmann::json& row, Counts& counts) {
  const auto number = [&](const char* field) { return number_at(row, field); };
  const std::int64_t wanted = number("/machines") - number("/neverEnrolled") - number("/banned");
  counts.waiting += number("/converging") + number("/silent");
  counts.failed += number("/failed");
  counts.text +=
      fmt::format("{}: {} of {} converged", cell(row, "/cluster"), number("/converged"), wanted);
  for (const auto& [field, word] :
       {std::pair{"/converging", "on their way"},
        std::pair{"/pendingChanges", "wait for their turn or a reboot"},
        std::pair{"/silent", "silent"}, std::pair{"/failed", "failed"}}) {
    if (number(field) > 0) counts.text += fmt::format(", {} {}", number(field), word);
  }
  counts.text += "\n";
}

}  // namespace

Exit await_convergence(Session& session, const std::vector<std::string>& clusters,
                       std::chrono::seconds longest) {
  const auto end = std::chrono::steady_clock::now() + longest;
  for (std::string told;;) {
    const auto answer = session.ask("GET", "status");
    if (!answer) return complain(session, answer.error());
    Counts counts;
    for (const auto& row : list_at(*answer, "/clusters")) {
      const std::string name = cell(row, "/cluster");
      if (std::find(clusters.begin(), clusters.end(), name) != clusters.end()) add(row, counts);
    }
    if (counts.text != told) std::fputs(counts.text.c_str(), stderr);
    told = counts.text;
    if (counts.waiting == 0 && counts.failed == 0) return Exit::ok;
    if (counts.waiting == 0) {
      return complain(session, {ErrorKind::internal,
                                fmt::format("{} machine(s) failed; muster status says on what",
                                            counts.failed)});
    }
    if (std::chrono::steady_clock::now() >= end) {
      return complain(session,
                      {ErrorKind::internal,
                       fmt::format("not in effect everywhere after {}; muster status goes on",
                                   duration_text(longest))});
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace muster
