#include "store/sqlite_file.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"
#include "store/migrations.hpp"

namespace muster {

namespace {
// An empty file of mode 0600: SQLite gives its journal files the mode of the database.
Result<void> make_empty_file(const std::string& path) {
  ::unlink(path.c_str());  // left by a crash
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path));
  return {};
}

Result<void> copy_pages(sqlite3_backup* backup, sqlite3* target, std::mutex& mutex) {
  constexpr int pages_at_once = 256;  // 1 MiB: writers wait milliseconds, not for the whole copy
  while (true) {
    int code = SQLITE_OK;
    {
      const std::lock_guard lock(mutex);
      code = sqlite3_backup_step(backup, pages_at_once);
    }
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_OK) return fail_sqlite(target, code, "copying");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}
}  // namespace

Result<void> create_sqlite_file(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "folder '{}': there is none; create it with mode 0700, or correct stateDirectory in the server's settings",
            folder.string()));
  }
  const std::string unfinished = path + ".new";
  if (auto made = make_empty_file(unfinished); !made) return made;
  {
    auto connection = SqliteConnection::open(unfinished);
    if (!connection) return pass(connection.error());
    auto marked = connection->execute(
        fmt::format("PRAGMA application_id = {}", sqlite_application_id).c_str());
    if (!marked) return marked;
    if (auto migrated = migrate(*connection); !migrated) return migrated;
  }
  return move_into_place(unfinished, path);
}

Result<void> check_sqlite_file(SqliteConnection& connection) {
  auto found = connection.read_text("PRAGMA quick_check(1)");
  if (!found) return pass(found.error());
  if (*found != "ok") {
    return fail(
        ErrorKind::corrupt,
        fmt::format("quick_check: expected 'ok', found '{}'; restore the newest backup", *found));
  }
  auto application = connection.read_number("PRAGMA application_id");
  if (!application) return pass(application.error());
  if (*application != sqlite_application_id) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "application id: expected {}, found {}: not a store of muster-server, or an empty one; restore the newest backup, or remove the file and run `muster init` for a new site",
            sqlite_application_id, *application));
  }
  return {};
}

namespace {
Result<void> copy_into(SqliteConnection& source, std::mutex& mutex, const std::string& file) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> copy(raw, sqlite3_close);
  if (opened != SQLITE_OK) return fail_sqlite(raw, opened, fmt::format("opening '{}'", file));
  sqlite3_backup* backup = nullptr;
  {
    const std::lock_guard lock(mutex);
    backup = sqlite3_backup_init(raw, "main", source.native(), "main");
  }
  if (backup == nullptr) return fail_sqlite(raw, sqlite3_errcode(raw), "starting the copy");
  auto copied = copy_pages(backup, raw, mutex);
  const std::lock_guard lock(mutex);
  sqlite3_backup_finish(backup);
  return copied;
}
}  // namespace

Result<void> copy_sqlite_file(SqliteConnection& source, std::mutex& mutex,
                              const std::string& target) {
  const std::string unfinished = target + ".new";
  if (auto made = make_empty_file(unfinished); !made) return made;
  auto copied = copy_into(source, mutex, unfinished);
  if (copied) copied = move_into_place(unfinished, target);
  if (!copied) {
    for (const char* end : {"", "-journal"}) ::unlink((unfinished + end).c_str());
  }
  return copied;
}

}  // namespace muster
