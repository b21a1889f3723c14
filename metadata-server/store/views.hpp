// The copies of the store that a server keeps in memory, fed by the store's feed and by nothing
// else: each view lists once, then follows commit by commit.
//
// There is no thread that delivers. Who waits for a revision brings the views there himself, one at
// a time and in the order of the commits; a server's writers wait for their own, inside of commit()
// (ViewedStore). So a view is never behind what anybody was answered, two steps of one handler see
// each other, and no commit costs a thread's wake-up.
#pragma once

#include <condition_variable>
#include <mutex>

#include "store/store.hpp"

namespace muster {

class View {
 public:
  virtual ~View() = default;
  // Takes the place of everything that it knew by what the store holds. An error: it stays as it
  // was.
  [[nodiscard]] virtual Result<void> load(const Store& store) = 0;
  // The next commit, whole. Costs what is changed in it, whatever the view holds. An error: what it
  // could not read; it keeps what it had of that, and follows the rest. Must not use the store.
  [[nodiscard]] virtual Result<void> follow(const Commit& commit) = 0;
};

// Thread-safe, but for load().
class Views {
 public:
  static constexpr std::chrono::milliseconds patience{2000};

  // `store` and the views outlive it. `limit`: how long await() takes at most. `tell`: called with
  // what a view could not read, by whoever brings the views on.
  Views(const Store& store, std::vector<View*> views, std::chrono::milliseconds limit = patience,
        std::function<void(const Error& error)> tell = {});

  // Lists every view anew, all at one revision. At the start, before anybody waits.
  [[nodiscard]] Result<void> load();
  // Returns when every view has all commits up to `revision`.
  // unavailable: they have not within the limit; what was committed stands.
  [[nodiscard]] Result<void> await(std::uint64_t revision);
  [[nodiscard]] std::uint64_t revision() const;  // that all of them have

 private:
  using Time = std::chrono::steady_clock::time_point;
  [[nodiscard]] Result<std::uint64_t> take_next(Time deadline);
  [[nodiscard]] Result<std::uint64_t> list();
  [[nodiscard]] tl::unexpected<Error> behind(std::uint64_t revision, std::uint64_t has) const;

  const Store& store_;
  const std::vector<View*> views_;
  const std::chrono::milliseconds limit_;
  const std::function<void(const Error& error)> tell_;
  std::unique_ptr<Watch> watch_;  // of who follows
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_following_ = false;  // somebody brings them on
  std::uint64_t revision_ = 0;
};

// Of a commit's error: it is committed nevertheless, and only the views are not there yet.
[[nodiscard]] bool is_committed(const Error& error);

// The store as every writer of a server has it: a commit returns when the views have it, so that
// whoever committed reads what it wrote, and its watches deliver what the views have. unavailable,
// where they are not there in time: is_committed().
class ViewedStore final : public Store {
 public:
  ViewedStore(Store& store, Views& views) : store_(store), views_(views) {}
  [[nodiscard]] Result<Record> get(std::string_view kind, std::string_view key) const override;
  [[nodiscard]] Result<std::vector<Record>> list(std::string_view kind,
                                                 std::string_view prefix = {},
                                                 std::string_view after = {},
                                                 std::size_t limit = 10000) const override;
  [[nodiscard]] Result<std::uint64_t> count(std::string_view kind,
                                            std::string_view prefix = {}) const override;
  [[nodiscard]] Result<std::uint64_t> commit(const Transaction& transaction) override;
  [[nodiscard]] Result<std::unique_ptr<Watch>> watch(
      std::optional<std::uint64_t> after = std::nullopt) const override;
  [[nodiscard]] Result<std::uint64_t> snapshot(
      const std::function<Result<void>(const Store& store)>& read) const override;

 private:
  Store& store_;
  Views& views_;
};

}  // namespace muster
