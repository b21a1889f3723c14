// The default store: one SQLite file, one connection behind a mutex, every commit on disk before it
// is acknowledged. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "store/commit_log.hpp"
#include "store/sqlite_connection.hpp"

namespace muster {

class SqliteStore final : public Store {
 public:
  enum class OpenMode {
    must_exist,         // a server that starts: a missing file is an error, not an empty site
    create_if_missing,  // `muster init`, tests
  };
  // Takes the file for this process alone, checks it (PRAGMA quick_check) and migrates it, after a
  // backup beside it ("<path>.before-<version>"). File mode 0600.
  // not_found: no such file or folder. corrupt: truncated, altered or not ours. conflict: written
  // by a newer program. unavailable: another process holds it.
  [[nodiscard]] static Result<std::unique_ptr<SqliteStore>> open(const std::string& path,
                                                                 OpenMode mode,
                                                                 FeedLimits limits = {});

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

  // A consistent copy of everything committed, made while others read and write: written beside
  // `path`, fsynced, then renamed over it. Mode 0600.
  [[nodiscard]] Result<void> back_up(const std::string& path) const;

 private:
  SqliteStore(std::string path, SqliteConnection connection, FeedLimits limits,
              std::uint64_t revision)
      : path_(std::move(path)), connection_(std::move(connection)), log_(limits, revision) {}
  [[nodiscard]] Result<std::uint64_t> write(const Transaction& transaction);
  [[nodiscard]] Result<std::uint64_t> apply(const Transaction& transaction);

  std::string path_;
  mutable std::mutex committing_;  // one commit or snapshot at a time; taken before mutex_
  mutable std::mutex mutex_;
  mutable SqliteConnection connection_;
  CommitLog log_;
};

}  // namespace muster
