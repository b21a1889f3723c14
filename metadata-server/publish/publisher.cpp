#include "publish/publisher.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "document/time_text.hpp"
#include "pki/unix_seconds.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_signer.hpp"

namespace muster {

namespace {
constexpr std::chrono::seconds longest_back_off{60};
}  // namespace

// One publication at a time: who comes meanwhile marks, and the next takes all of it together.
class Publisher::Turn {
 public:
  Turn(Publisher& publisher, std::chrono::milliseconds patience) : publisher_(publisher) {
    std::unique_lock lock(publisher.mutex_);
    is_mine_ = publisher.turn_ended_.wait_for(lock, patience,
                                              [&publisher] { return !publisher.is_taken_; });
    if (is_mine_) publisher.is_taken_ = true;
  }
  ~Turn() {
    if (!is_mine_) return;
    const std::lock_guard lock(publisher_.mutex_);
    publisher_.is_taken_ = false;
    publisher_.turn_ended_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] bool is_mine() const { return is_mine_; }

 private:
  Publisher& publisher_;
  bool is_mine_ = false;
};

Result<void> Publisher::settle(const std::string& cluster, std::chrono::milliseconds patience) {
  const auto came = Clock::now();
  const Turn turn(*this, patience);
  if (!turn.is_mine()) {
    return fail(
        ErrorKind::unavailable,
        fmt::format("cluster '{}': not published within {} s; it stays due, see `muster status`",
                    cluster, std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
  }
  const auto mark = find_due(context_.store, cluster);
  if (!mark) return pass(mark.error());
  if (!*mark) return {};
  // Those who waited for the one that was refused have their answer.
  const auto refused = refusal_of(**mark);
  if (refused && refused->at >= came) return pass(refused->error);
  return publish(**mark);
}

Result<bool> Publisher::bring_document(const std::string& cluster, const std::string& node) {
  const auto is_served = [&] { return context_.current.document(cluster, node) != nullptr; };
  if (is_served()) return true;
  if (auto settled = settle(cluster); !settled) {
    return fail(ErrorKind::unavailable,
                fmt::format("machine '{}/{}': its cluster cannot be published: {}", cluster, node,
                            settled.error().message));
  }
  return is_served();
}

// Documents are made from what can be read: nobody has to order it.
Result<void> Publisher::mark_unread_documents() {
  for (const std::string& cluster : context_.quarantine.derived()) {
    const auto mark = find_due(context_.store, cluster);
    if (!mark) return pass(mark.error());
    if (*mark) continue;
    Transaction transaction;
    transaction.expect(kinds::due, cluster, 0);
    auto marked = mark_due(context_.store, cluster, "documents that cannot be read", "server",
                           context_.now(), transaction);
    if (!marked) return marked;
    auto committed = context_.store.commit(transaction);
    if (!committed && committed.error().kind != ErrorKind::conflict) return pass(committed.error());
  }
  return {};
}

Result<void> Publisher::look() {
  if (auto marked = mark_unread_documents(); !marked) return marked;
  const auto marks = all_due(context_.store);
  if (!marks) return pass(marks.error());
  for (const DueMark& seen : *marks) {
    const auto refused = refusal_of(seen);
    if (refused && Clock::now() < refused->at + refused->back_off) continue;
    // Why it is refused is in owed(); others are published all the same.
    static_cast<void>(settle(seen.cluster));
  }
  return {};
}

Result<void> Publisher::publish(const DueMark& mark) {
  auto published = try_publishing(mark);
  const std::lock_guard lock(mutex_);
  if (published) {
    refused_.erase(mark.cluster);
    return published;
  }
  Refused& refused = refused_[mark.cluster];
  if (refused.error.message != published.error().message)
    spdlog::warn("cluster '{}': due since {}, and not published: {}", mark.cluster,
                 utc_text(mark.since), published.error().message);
  const auto back_off = std::min(longest_back_off, 2 * refused.back_off + std::chrono::seconds(1));
  refused = {mark.version, published.error(), Clock::now(), back_off};
  return published;
}

Result<void> Publisher::try_publishing(const DueMark& mark) {
  // An operator publishes for a sealed cluster, and nobody else.
  if (auto open = check_not_sealed(context_.store, mark.cluster); !open) return open;
  const auto published = republish(context_, mark.cluster, mark.by);
  if (published) return {};
  const Error& error = published.error().error;
  const auto& problems = published.error().problems;
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

std::optional<Publisher::Refused> Publisher::refusal_of(const DueMark& mark) const {
  const std::lock_guard lock(mutex_);
  const auto found = refused_.find(mark.cluster);
  if (found == refused_.end() || found->second.version != mark.version) return std::nullopt;
  return found->second;
}

bool Publisher::may_sign(const std::string& cluster) const {
  return ClusterSigner::here(context_.keys, context_.keys.trust()->list, cluster).has_value();
}

Result<std::vector<OwedPublication>> Publisher::owed() const {
  auto marks = all_due(context_.store);
  if (!marks) return pass(marks.error());
  std::vector<OwedPublication> owed;
  for (DueMark& mark : *marks) {
    OwedPublication& row = owed.emplace_back();
    if (const auto refused = refusal_of(mark)) row.refused = refused->error.message;
    row.awaits_signature = !may_sign(mark.cluster);
    if (mark.since == 0) mark.since = unix_seconds(context_.now());
    row.mark = std::move(mark);
  }
  return owed;
}

}  // namespace muster
