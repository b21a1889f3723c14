#include "store/views.hpp"

#include <algorithm>
#include <utility>

namespace muster {

namespace {

constexpr const char* code_of_behind = "views_behind";

class ViewedWatch final : public Watch {
 public:
  ViewedWatch(std::unique_ptr<Watch> watch, Views& views)
      : watch_(std::move(watch)), views_(views) {}
  Result<Commits> next(std::chrono::milliseconds patience) override {
    // What was read once is not read again: the views may be late, it is not lost.
    if (waiting_.empty()) {
      auto commits = watch_->next(patience);
      if (!commits) return commits;
      waiting_ = std::move(*commits);
    }
    if (waiting_.empty()) return Commits();
    if (auto seen = views_.await(waiting_.back()->revision); !seen) return pass(seen.error());
    return std::exchange(waiting_, {});
  }

 private:
  std::unique_ptr<Watch> watch_;
  Views& views_;
  Commits waiting_;  // for the views
};

}  // namespace

Views::Views(const Store& store, std::vector<View*> views, std::chrono::milliseconds limit,
             std::function<void(const Error& error)> tell)
    : store_(store), views_(std::move(views)), limit_(limit), tell_(std::move(tell)) {}

Result<void> Views::load() {
  const auto revision = list();
  if (!revision) return pass(revision.error());
  const std::lock_guard lock(mutex_);
  revision_ = *revision;
  return {};
}

// The watch is opened first: what is committed meanwhile is delivered, and told apart by its
// revision.
Result<std::uint64_t> Views::list() {
  auto watch = store_.watch();
  if (!watch) return pass(watch.error());
  auto revision = store_.snapshot([&](const Store& store) -> Result<void> {
    for (View* view : views_) {
      if (auto loaded = view->load(store); !loaded) return loaded;
    }
    return {};
  });
  if (revision) watch_ = std::move(*watch);
  return revision;
}

Result<std::uint64_t> Views::take_next(Time deadline) {
  if (!watch_) return list();
  const auto left = deadline - std::chrono::steady_clock::now();
  const auto commits =
      watch_->next(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                            std::chrono::milliseconds::zero()));
  if (!commits && commits.error().kind == ErrorKind::not_found) return list();
  if (!commits) return pass(commits.error());
  std::uint64_t has = revision();
  for (const auto& commit : *commits) {
    if (commit->revision <= has) continue;
    for (View* view : views_) {
      if (auto read = view->follow(*commit); !read && tell_) tell_(read.error());
    }
    has = commit->revision;
  }
  return has;
}

Result<void> Views::await(std::uint64_t revision) {
  const Time deadline = std::chrono::steady_clock::now() + limit_;
  std::unique_lock lock(mutex_);
  while (revision_ < revision) {
    if (is_following_) {
      const bool in_time = changed_.wait_until(
          lock, deadline, [&] { return !is_following_ || revision_ >= revision; });
      if (!in_time) return behind(revision, revision_);
      continue;
    }
    is_following_ = true;
    lock.unlock();
    const auto has = take_next(deadline);
    lock.lock();
    is_following_ = false;
    if (has) revision_ = std::max(revision_, *has);
    changed_.notify_all();
    if (!has) return while_doing(behind(revision, revision_).value(), has.error().message);
    if (revision_ < revision && std::chrono::steady_clock::now() >= deadline)
      return behind(revision, revision_);
  }
  return {};
}

std::uint64_t Views::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

tl::unexpected<Error> Views::behind(std::uint64_t revision, std::uint64_t has) const {
  return fail(
      ErrorKind::unavailable, code_of_behind,
      fmt::format(
          "store: revision {} is committed, and what answers here has only revision {} after {} ms; nothing is lost, ask again",
          revision, has, limit_.count()));
}

bool is_committed(const Error& error) {
  return error.code == code_of_behind;
}

Result<Record> ViewedStore::get(std::string_view kind, std::string_view key) const {
  return store_.get(kind, key);
}

Result<std::vector<Record>> ViewedStore::list(std::string_view kind, std::string_view prefix,
                                              std::string_view after, std::size_t limit) const {
  return store_.list(kind, prefix, after, limit);
}

Result<std::uint64_t> ViewedStore::count(std::string_view kind, std::string_view prefix) const {
  return store_.count(kind, prefix);
}

Result<std::uint64_t> ViewedStore::commit(const Transaction& transaction) {
  auto revision = store_.commit(transaction);
  if (!revision) return revision;
  if (auto seen = views_.await(*revision); !seen) return pass(seen.error());
  return revision;
}

Result<std::unique_ptr<Watch>> ViewedStore::watch(std::optional<std::uint64_t> after) const {
  auto watch = store_.watch(after);
  if (!watch) return watch;
  return std::make_unique<ViewedWatch>(std::move(*watch), views_);
}

Result<std::uint64_t> ViewedStore::snapshot(
    const std::function<Result<void>(const Store& store)>& read) const {
  return store_.snapshot(read);
}

}  // namespace muster
