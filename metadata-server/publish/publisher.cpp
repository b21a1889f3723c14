#include "publish/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "store/kinds.hpp"
#include "trust/cluster_signer.hpp"

namespace muster {

namespace {

constexpr std::chrono::seconds look_interval{1};
// So long the loop gathers what machines and time cause, where nobody waits for it: sixty members
// that expire together are one publication.
constexpr std::chrono::milliseconds gather_time{300};
constexpr std::chrono::seconds longest_back_off{60};

}  // namespace

void Publisher::start() {
  const std::lock_guard lock(mutex_);
  if (is_running_) return;
  is_running_ = true;
  is_stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Publisher::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  is_running_ = false;
}

void Publisher::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    changed_.wait_for(lock, look_interval, [this] { return is_woken_ || is_stopping_; });
    changed_.wait_for(lock, gather_time, [this] { return waiting_ > 0 || is_stopping_; });
    if (is_stopping_) return;
    is_woken_ = false;
    lock.unlock();
    // A store that does not answer is told of by the watchdog's own look at it.
    static_cast<void>(look());
    lock.lock();
  }
}

Result<void> Publisher::settle(const std::string& cluster, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const std::uint64_t turn = ++clusters_[cluster].asked;
  if (!is_running_) {
    lock.unlock();
    if (auto looked = look(); !looked) return looked;
    lock.lock();
    return clusters_[cluster].answer;
  }
  ++waiting_;
  is_woken_ = true;
  changed_.notify_all();
  const bool is_answered = changed_.wait_for(
      lock, patience, [&] { return clusters_[cluster].answered >= turn || is_stopping_; });
  --waiting_;
  if (is_answered && clusters_[cluster].answered >= turn) return clusters_[cluster].answer;
  return fail(
      ErrorKind::unavailable,
      fmt::format("cluster '{}': not published within {} s; it stays due, see `muster status`",
                  cluster, std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
}

Result<bool> Publisher::bring_document(const std::string& cluster, const std::string& node) {
  const auto is_served = [&] { return context_.current.document(cluster, node) != nullptr; };
  if (is_served()) return true;
  const auto due = find_due(context_.store, cluster);
  if (!due) return pass(due.error());
  if (!*due) return is_served();
  if (auto settled = settle(cluster); !settled) {
    return fail(ErrorKind::unavailable,
                fmt::format("machine '{}/{}': its cluster cannot be published: {}", cluster, node,
                            settled.error().message));
  }
  return is_served();
}

Result<void> Publisher::look() {
  const std::lock_guard alone(looking_);
  std::map<std::string, std::uint64_t> turns;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, cluster] : clusters_) turns[name] = cluster.asked;
  }
  const auto marks = all_due(context_.store);
  std::map<std::string, Result<void>> answers;
  for (const DueMark& mark : marks ? *marks : std::vector<DueMark>()) {
    const bool is_asked = [&] {
      const std::lock_guard lock(mutex_);
      const Cluster& cluster = clusters_[mark.cluster];
      return turns[mark.cluster] > cluster.answered || mark.version != cluster.refused_version ||
             Clock::now() >= cluster.again_at;
    }();
    if (!is_asked) continue;
    answers[mark.cluster] = publish(mark);
    note(mark, answers[mark.cluster]);
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [name, turn] : turns) {
    Cluster& cluster = clusters_[name];
    const auto found = answers.find(name);
    if (!marks)
      cluster.answer = pass(marks.error());
    else
      cluster.answer = found == answers.end() ? Result<void>() : found->second;
    cluster.answered = std::max(cluster.answered, turn);
  }
  changed_.notify_all();
  if (!marks) return pass(marks.error());
  return {};
}

Result<void> Publisher::publish(const DueMark& mark) {
  const auto published = republish(context_, mark.cluster, mark.by);
  if (published) return {};
  const auto& [error, problems] = published.error();
  const auto cluster = context_.store.get(kinds::cluster, mark.cluster);
  if (!cluster && cluster.error().kind == ErrorKind::not_found) {
    // Nothing was published yet, or it has ended: nothing is owed.
    Transaction transaction;
    clear_due(mark, transaction);
    transaction.expect(kinds::cluster, mark.cluster, 0);
    auto cleared = context_.store.commit(transaction);
    if (!cleared && cleared.error().kind != ErrorKind::conflict) return pass(cleared.error());
    return {};
  }
  if (problems.empty()) return pass(error);
  return while_doing(Error{error.kind, error.code, to_text(problems)}, error.message);
}

void Publisher::note(const DueMark& mark, const Result<void>& published) {
  const std::lock_guard lock(mutex_);
  Cluster& cluster = clusters_[mark.cluster];
  cluster.refused = published ? std::string() : published.error().message;
  cluster.refused_version = published ? 0 : mark.version;
  cluster.back_off = published ? std::chrono::seconds(0)
                               : std::min(longest_back_off, 2 * cluster.back_off + look_interval);
  cluster.again_at = Clock::now() + cluster.back_off;
}

bool Publisher::may_sign(const std::string& cluster) const {
  return ClusterSigner::here(context_.keys, context_.keys.trust()->list, cluster).has_value();
}

Result<std::vector<OwedPublication>> Publisher::owed() const {
  auto marks = all_due(context_.store);
  if (!marks) return pass(marks.error());
  std::vector<OwedPublication> owed;
  const std::lock_guard lock(mutex_);
  for (DueMark& mark : *marks) {
    OwedPublication& row = owed.emplace_back();
    const auto found = clusters_.find(mark.cluster);
    if (found != clusters_.end() && found->second.refused_version == mark.version)
      row.refused = found->second.refused;
    row.awaits_signature = !may_sign(mark.cluster);
    row.mark = std::move(mark);
  }
  return owed;
}

}  // namespace muster
