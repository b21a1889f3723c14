#include "cli/convergence_wait.hpp"

#include <fmt/ranges.h>

#include <cstdio>
#include <set>
#include <thread>

#include "cli/answer.hpp"
#include "document/time_text.hpp"

namespace muster {
namespace {

struct Counts {
  std::string text;
  std::int64_t wanted = 0, converged = 0, waiting = 0, failed = 0;
};

void add(const nlohmann::json& row, Counts& counts) {
  const auto number = [&](const char* field) { return number_at(row, field); };
  const std::int64_t wanted = number("/machines") - number("/banned");
  counts.wanted += wanted;
  counts.converged += number("/converged") + number("/pendingChanges");
  counts.waiting +=
      number("/converging") + number("/silent") + number("/neverEnrolled") + number("/reset");
  counts.failed += number("/failed");
  counts.text +=
      fmt::format("{}: {} of {} converged", cell(row, "/cluster"), number("/converged"), wanted);
  for (const auto& [field, word] :
       {std::pair{"/converging", "on their way"},
        std::pair{"/pendingChanges", "wait for their turn or a reboot"},
        std::pair{"/silent", "silent"}, std::pair{"/failed", "failed"},
        std::pair{"/reset", "reset"}, std::pair{"/neverEnrolled", "never enrolled"}}) {
    if (number(field) > 0) counts.text += fmt::format(", {} {}", number(field), word);
  }
  counts.text += "\n";
}

// "failed: unit kubelet.service exits", with the cure below; "": it is as it should be.
std::string line_of(const nlohmann::json& row) {
  const std::string standing = cell(row, "/standing"), configuration = cell(row, "/configuration");
  std::string word;
  if (standing == "failed")
    word = configuration == "fallen-back" ? "fell back to the document before"
           : configuration == "refused"   ? "refuses the document"
                                          : "failed";
  if (standing == "converging") word = "on its way";
  if (standing == "silent") word = "silent";
  if (standing == "reset") word = "was reset";
  if (standing == "never-enrolled") word = "never enrolled";
  if (word.empty()) return {};
  const std::string reason = cell(row, "/reason"), cure = cell(row, "/cure");
  return on_one_line(fmt::format("{}/{}: {}{}{}", cell(row, "/cluster"), cell(row, "/node"), word,
                                 reason.empty() ? "" : ": ", reason)) +
         "\n" + (cure.empty() ? "" : "  cure: " + printable(cure) + "\n");
}

// Where it is not in effect, and why.
void tell_who(Session& session, const std::vector<std::string>& clusters) {
  constexpr std::size_t most_told = 20;
  for (const std::string& cluster : clusters) {
    const auto answer = session.ask("GET", "nodes?cluster=" + escape(cluster));
    if (!answer) continue;
    std::size_t count = 0;
    for (const auto& row : list_at(*answer, "/nodes")) {
      const std::string line = line_of(row);
      if (!line.empty() && ++count <= most_told) std::fputs(line.c_str(), stderr);
    }
    if (count > most_told)
      std::fprintf(stderr, "%s: and %zu more; muster node list --cluster %s\n",
                   printable(cluster).c_str(), count - most_told, printable(cluster).c_str());
  }
}

}  // namespace

Exit await_convergence(Session& session, const std::vector<std::string>& clusters,
                       std::chrono::seconds longest) {
  const auto end = std::chrono::steady_clock::now() + longest;
  for (std::string told;;) {
    const auto answer = session.ask("GET", "status");
    if (!answer) return complain(session, answer.error());
    Counts counts;
    std::set<std::string> gone(clusters.begin(), clusters.end());
    for (const auto& row : list_at(*answer, "/clusters")) {
      const std::string name = cell(row, "/cluster");
      if (gone.erase(name) == 0) continue;
      if (const std::string unread = cell(row, "/unread/reason"); !unread.empty())
        return complain(session, {ErrorKind::corrupt,
                                  fmt::format("cluster '{}': its machines cannot be counted: {}",
                                              name, unread)});
      add(row, counts);
    }
    if (counts.text != told) std::fputs(counts.text.c_str(), stderr);
    told = counts.text;
    if (!gone.empty()) {
      std::fprintf(
          stderr,
          "muster: cluster '%s' is gone: somebody deleted it while this waited; see `muster audit`\n",
          printable(fmt::format("{}", fmt::join(gone, "', '"))).c_str());
      return Exit::not_in_effect;
    }
    if (counts.waiting == 0 && counts.failed == 0) return Exit::ok;
    const bool is_late = std::chrono::steady_clock::now() >= end;
    if (counts.waiting == 0 || is_late) {
      tell_who(session, clusters);
      std::fprintf(stderr,
                   "muster: not in effect on %lld of %lld machine(s)%s; muster status goes on\n",
                   static_cast<long long>(counts.wanted - counts.converged),
                   static_cast<long long>(counts.wanted),
                   is_late ? (" after " + duration_text(longest)).c_str() : "");
      return Exit::not_in_effect;
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace muster
