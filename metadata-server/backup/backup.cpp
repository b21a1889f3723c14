#include "backup/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "backup/recovery_key.hpp"
#include "pki/unix_seconds.hpp"
#include "records/epoch.hpp"
#include "result/version.hpp"

namespace muster {
namespace {

std::string copy_path(const std::string& folder) {
  return folder + "/backup-database";
}
std::string file_path(const std::string& folder) {
  return folder + "/backup-file";
}

Result<MadeBackup> open_made(const std::string& path) {
  MadeBackup made;
  made.file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found {};
  if (!made.file.is_open() || ::fstat(made.file.get(), &found) != 0)
    return fail_errno(errno, fmt::format("opening '{}'", path));
  made.size = static_cast<std::uint64_t>(found.st_size);
  return made;
}

// The copy and the file stay where they are, for remove_unfinished_backups.
Result<MadeBackup> write_and_open(const BackupSource& source, const BackupContent& content,
                                  const BackupHeader& header, const Certificate& recovery_key,
                                  const SiteKeys& keys, TimePoint now) {
  if (auto copied = source.copy_database(content.database); !copied) return pass(copied.error());
  const auto trust = keys.trust();
  const auto written = write_backup(file_path(source.folder), content, header, recovery_key,
                                    {keys.servers().issuing, trust->chain}, now);
  if (!written) return pass(written.error());
  auto made = open_made(file_path(source.folder));
  if (made)
    made->content = {header.revision, header.made_at, written->header.recovery_key,
                     written->digest};
  return made;
}

}  // namespace

Result<MadeBackup> make_backup(const BackupSource& source, Store& store, const SealingKey& sealing,
                               const SiteKeys& keys, TimePoint now) {
  static std::mutex one_at_a_time;
  const std::unique_lock alone(one_at_a_time, std::try_to_lock);
  if (!alone.owns_lock())
    return fail(ErrorKind::unavailable, "backup: another one is being made; try again after it");
  if (!source.copy_database)
    return fail(ErrorKind::conflict, "backup: the store of this server makes no copies of itself");
  const auto key = find_recovery_key(store);
  if (!key) return pass(key.error());
  if (!*key)
    return fail(
        ErrorKind::conflict, "no_recovery_key",
        "backup: this site has no recovery key, so nobody could open it. Make one with `muster backup key new --out FILE`, and keep FILE elsewhere");
  remove_unfinished_backups(source.folder);
  BackupHeader header;
  header.site = keys.site();
  header.version = program_version;
  header.made_at = unix_seconds(now);
  // Before the copy: what it says is in it is in it.
  const auto revision = store.commit({});
  if (!revision) return pass(revision.error());
  header.revision = *revision;
  auto made = write_and_open(source, {sealing.bytes(), source.settings, copy_path(source.folder)},
                             header, (*key)->certificate, keys, now);
  remove_unfinished_backups(source.folder);
  return made;
}

void remove_unfinished_backups(const std::string& folder) {
  for (const auto& path : {copy_path(folder), file_path(folder)}) {
    for (const std::string end : {"", ".new", ".new-journal", ".new-wal", "-wal", "-shm"})
      ::unlink((path + end).c_str());
  }
}

}  // namespace muster
