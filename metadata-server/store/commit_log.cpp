#include "store/commit_log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <unordered_set>

namespace muster {

namespace {

std::size_t size_of(const Commit& commit) {
  std::size_t bytes = 0;
  for (const auto& change : commit.changes) {
    bytes += change.kind.size() + change.key.size() + (change.value ? change.value->size() : 0);
  }
  return bytes;
}

// Of several changes of one record only the last took effect.
std::shared_ptr<const Commit> effect_of(std::uint64_t revision, const Transaction& transaction) {
  auto commit = std::make_shared<Commit>();
  commit->revision = revision;
  std::unordered_set<std::string> seen;
  const auto& changes = transaction.changes;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    if (seen.insert(fmt::format("{} {}", change->kind, change->key)).second)
      commit->changes.push_back(*change);
  }
  std::reverse(commit->changes.begin(), commit->changes.end());
  return commit;
}

}  // namespace

struct CommitLog::Shared {
  explicit Shared(FeedLimits given, std::uint64_t at) : limits(given), revision(at), dropped(at) {}

  const FeedLimits limits;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_closed = false;
  std::uint64_t revision;  // of the last commit
  std::uint64_t dropped;   // of the last commit that is not kept
  std::size_t bytes = 0;
  std::deque<std::shared_ptr<const Commit>> commits;
  std::multiset<std::uint64_t> read;  // up to where, of each reader

  void drop_oldest() {
    bytes -= size_of(*commits.front());
    dropped = commits.front()->revision;
    commits.pop_front();
  }
  // What every reader has.
  void drop_read() {
    while (!commits.empty() && (read.empty() || commits.front()->revision <= *read.begin()))
      drop_oldest();
    if (commits.empty()) dropped = revision;
  }
};

class CommitLog::Reader final : public Watch {
 public:
  // With the mutex held.
  Reader(std::shared_ptr<Shared> shared, std::uint64_t after)
      : shared_(std::move(shared)), place_(shared_->read.insert(after)), after_(after) {}
  ~Reader() override {
    const std::lock_guard lock(shared_->mutex);
    leave();
  }

  Result<Commits> next(std::chrono::milliseconds patience) override {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, patience,
                              [&] { return shared_->is_closed || shared_->revision > after_; });
    if (after_ < shared_->dropped) {
      leave();
      return fail_compacted(after_, shared_->dropped);
    }
    Commits commits;
    for (const auto& commit : shared_->commits) {
      if (commit->revision > after_) commits.push_back(commit);
    }
    if (commits.empty()) {
      if (shared_->is_closed) return fail(ErrorKind::unavailable, "feed: the store was closed");
      return commits;
    }
    after_ = commits.back()->revision;
    leave();
    place_ = shared_->read.insert(after_);
    shared_->drop_read();
    return commits;
  }

 private:
  // Nothing is kept on its account any more.
  void leave() {
    if (!place_) return;
    shared_->read.erase(*place_);
    place_.reset();
    shared_->drop_read();
  }

  std::shared_ptr<Shared> shared_;
  std::optional<std::multiset<std::uint64_t>::iterator> place_;
  std::uint64_t after_;  // it has everything up to this
};

CommitLog::CommitLog(FeedLimits limits, std::uint64_t revision)
    : shared_(std::make_shared<Shared>(limits, revision)) {}

CommitLog::~CommitLog() {
  const std::lock_guard lock(shared_->mutex);
  shared_->is_closed = true;
  shared_->changed.notify_all();
}

void CommitLog::append(std::uint64_t revision, const Transaction& transaction) {
  Shared& shared = *shared_;
  const std::lock_guard lock(shared.mutex);
  shared.revision = revision;
  if (shared.read.empty()) {
    shared.dropped = revision;
    return;
  }
  shared.commits.push_back(effect_of(revision, transaction));
  shared.bytes += size_of(*shared.commits.back());
  while (shared.commits.size() > 1 &&
         (shared.commits.size() > shared.limits.commits || shared.bytes > shared.limits.bytes)) {
    shared.drop_oldest();
  }
  shared.changed.notify_all();
}

std::uint64_t CommitLog::revision() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->revision;
}

Result<std::unique_ptr<Watch>> CommitLog::watch(std::optional<std::uint64_t> after) const {
  const std::lock_guard lock(shared_->mutex);
  const std::uint64_t from = after.value_or(shared_->revision);
  if (from < shared_->dropped) return fail_compacted(from, shared_->dropped);
  return std::make_unique<Reader>(shared_, from);
}

}  // namespace muster
