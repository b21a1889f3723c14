#include "rollout/turn_decision.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

// Why nothing is known of it now; empty: it reports.
std::string absence_of(const MasterState& master) {
  if (master.is_banned) return "it is banned";
  if (master.is_frozen) return "its identity is frozen";
  if (!master.report) return "never heard of";
  if (!master.silence) return "not heard of since this server's start";
  if (*master.silence > unheard_after) return fmt::format("not heard of for {} s", *master.silence);
  return {};
}

// What keeps a master from counting as up; empty: nothing.
std::string unwell_reason(const MasterState& master) {
  if (auto absence = absence_of(master); !absence.empty()) return absence;
  const Verdict verdict = master.report->verdict;
  if (verdict == Verdict::converging || verdict == Verdict::failed)
    return std::string(name(verdict));
  for (const auto& problem : master.report->unwell) {
    for (const auto* part : {"etcd", "kube-apiserver"}) {
      if (problem.subject.find(part) != std::string::npos) return problem.subject + " is unwell";
    }
  }
  return {};
}

const MasterState* find_master(const std::vector<MasterState>& masters, const std::string& node) {
  const auto found = std::find_if(masters.begin(), masters.end(),
                                  [&](const auto& master) { return master.node == node; });
  return found == masters.end() ? nullptr : &*found;
}

// Its own word, given after the grant, under the document of then or a later one.
bool has_settled(const TurnGrant& grant, const MasterState& master) {
  if (!master.report || !unwell_reason(master).empty()) return false;
  const Report& report = *master.report;
  const bool is_news = report.boot_id != grant.boot_id || report.counter != grant.counter;
  const bool is_settled = !report.configuration || *report.configuration == Configuration::settled;
  return is_news && is_settled && report.verdict == Verdict::converged && report.pending.empty() &&
         report.pending_digest.empty() && report.generation >= grant.generation;
}

// What keeps `node` from going down now; empty: nothing. Where all others are up, waiting would not
// make it better: one or two masters never have a quorum to spare.
std::string obstacle_of(const std::string& node, const std::vector<MasterState>& masters) {
  if (const auto* asker = find_master(masters, node)) {
    if (const auto absence = absence_of(*asker); !absence.empty())
      return fmt::format("{} itself ({}): it takes its turn once it reports", node, absence);
  }
  std::size_t members = 0, others_up = 0;
  std::string down;
  for (const auto& master : masters) {
    const bool is_asker = master.node == node;
    if (!master.is_member) continue;
    ++members;
    if (is_asker) continue;
    const auto reason = unwell_reason(master);
    if (reason.empty()) {
      ++others_up;
    } else {
      down += fmt::format("{}{} ({})", down.empty() ? "" : ", ", master.node, reason);
    }
  }
  const std::size_t quorum = members / 2 + 1;
  if (down.empty() || others_up >= quorum) return {};
  return fmt::format("{}: of etcd's {} members {} others are up, a quorum is {}", down, members,
                     others_up, quorum);
}

TurnGrant grant_to(const TurnOrder& order, const MasterState& master, std::int64_t now) {
  TurnGrant grant{order, now, master.generation, {}, 0, false};
  if (master.report) {
    grant.boot_id = master.report->boot_id;
    grant.counter = master.report->counter;
  }
  return grant;
}

// Being on its way is what the turn is for.
std::string held_up(const TurnGrant& grant, const std::vector<MasterState>& masters) {
  const auto* holder = find_master(masters, grant.order.node);
  auto reason = holder == nullptr ? std::string() : unwell_reason(*holder);
  return reason == name(Verdict::converging) ? std::string() : reason;
}

void give_next(TurnRecord& record, const std::vector<MasterState>& masters, std::int64_t now) {
  for (auto at = record.waiting.begin(); at != record.waiting.end(); ++at) {
    if (!obstacle_of(at->node, masters).empty()) continue;
    record.grant = grant_to(*at, *find_master(masters, at->node), now);
    record.waiting.erase(at);
    return;
  }
}

}  // namespace

TurnDecision decide_turns(TurnRecord record, const std::vector<MasterState>& masters,
                          std::int64_t now) {
  std::erase_if(record.waiting,
                [&](const auto& order) { return find_master(masters, order.node) == nullptr; });
  if (record.grant) {
    const auto* holder = find_master(masters, record.grant->order.node);
    const bool is_shut_out = holder != nullptr && (holder->is_banned || holder->is_frozen);
    if (is_shut_out) record.waiting.insert(record.waiting.begin(), record.grant->order);
    if (holder == nullptr || is_shut_out || has_settled(*record.grant, *holder))
      record.grant.reset();
  }
  if (!record.grant) give_next(record, masters, now);
  TurnDecision decision;
  if (record.grant) decision.held_up = held_up(*record.grant, masters);
  for (const auto& order : record.waiting) {
    decision.waits_for[order.node] = record.grant ? record.grant->order.node + " has the turn"
                                                  : obstacle_of(order.node, masters);
  }
  decision.record = std::move(record);
  return decision;
}

bool must_be_told(const TurnGrant& grant, const Report& report) {
  if (!grant.is_told) return true;
  // Its answer was lost, or it started anew since.
  if (report.heard_order && *report.heard_order != grant.order.ordered_at) return true;
  const bool is_refused =
      report.configuration && (*report.configuration == Configuration::refused ||
                               *report.configuration == Configuration::fallen_back);
  return !is_refused && report.verdict == Verdict::pending_changes;
}

}  // namespace muster
