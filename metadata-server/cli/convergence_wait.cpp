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
void tell_who(Session& session, const OrderedRevisions& ordered) {
  constexpr std::size_t most_told = 20;
  for (const auto& [cluster, revision] : ordered) {
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

bool is_overtaken(const nlohmann::json& row, std::int64_t ordered) {
  const std::int64_t current = number_at(row, "/content");
  return ordered != 0 && current != 0 && current != ordered;
}

// Nobody waits for what nobody is served any more.
Exit tell_overtaken(Session& session, const std::string& cluster, std::int64_t ordered,
                    std::int64_t current) {
  std::string actor = "somebody", cause;
  const auto answer = session.ask("GET", "revisions?cluster=" + escape(cluster));
  if (answer) {
    for (const auto& row : list_at(*answer, "/revisions")) {
      if (number_at(row, "/number") != current) continue;
      actor = cell(row, "/actor");
      cause = cell(row, "/cause");
    }
  }
  std::fprintf(
      stderr,
      "muster: cluster '%s': revision %lld was overtaken: %s published revision %lld%s while this waited; see `muster revision diff %lld %lld --cluster %s`, then apply again if yours is to hold\n",
      printable(cluster).c_str(), static_cast<long long>(ordered), on_one_line(actor).c_str(),
      static_cast<long long>(current),
      cause.empty() ? "" : (" (" + on_one_line(cause) + ")").c_str(),
      static_cast<long long>(ordered), static_cast<long long>(current), printable(cluster).c_str());
  return Exit::not_in_effect;
}

}  // namespace

OrderedRevisions ordered_by(const nlohmann::json& answer) {
  OrderedRevisions ordered;
  const auto revisions = answer.find("revisions");
  if (revisions == answer.end()) return ordered;
  for (const auto& [cluster, revision] : revisions->items())
    ordered[cluster] = number_at(answer, "/contents/" + cluster);
  return ordered;
}

Exit await_convergence(Session& session, const OrderedRevisions& ordered,
                       std::chrono::seconds longest) {
  const auto end = std::chrono::steady_clock::now() + longest;
  for (std::string told;;) {
    const auto answer = session.ask("GET", "status");
    if (!answer) return complain(session, answer.error());
    Counts counts;
    std::set<std::string> gone;
    for (const auto& [cluster, revision] : ordered) gone.insert(cluster);
    for (const auto& row : list_at(*answer, "/clusters")) {
      const std::string name = cell(row, "/cluster");
      if (gone.erase(name) == 0) continue;
      if (const std::int64_t revision = ordered.at(name); is_overtaken(row, revision))
        return tell_overtaken(session, name, revision, number_at(row, "/content"));
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
      tell_who(session, ordered);
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
