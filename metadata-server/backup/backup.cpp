#include "backup/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "backup/recovery_key.hpp"
#include "fleet/unread_records.hpp"
#include "pki/unix_seconds.hpp"
#include "publish/quarantine.hpp"
#include "records/all_records.hpp"
#include "records/epoch.hpp"
#include "result/version.hpp"
#include "store/kinds.hpp"
#include "trust/stored_authority.hpp"

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
                                  const SiteKeys& keys, const std::vector<std::string>& damaged,
                                  TimePoint now) {
  if (auto copied = source.copy_database(content.database); !copied) return pass(copied.error());
  const auto trust = keys.trust();
  const auto written = write_backup(file_path(source.folder), content, header, recovery_key,
                                    {keys.servers().issuing, trust->chain}, now);
  if (!written) return pass(written.error());
  auto made = open_made(file_path(source.folder));
  if (made)
    made->content = {header.revision, header.made_at, written->header.recovery_key, written->digest,
                     damaged};
  return made;
}

tl::unexpected<Error> fail_key(std::string_view what, std::string_view reason) {
  return fail(
      ErrorKind::conflict, "no_recovery_key",
      fmt::format(
          "backup: {}, so nobody could open it. Make one with `muster backup key new --out FILE`, and keep FILE elsewhere{}",
          what, reason));
}

Result<RecoveryKey> key_to_use(const Store& store) {
  auto key = find_recovery_key(store);
  if (!key && key.error().kind == ErrorKind::corrupt)
    return fail_key("the recovery key's record cannot be read", ": " + key.error().message);
  if (!key) return pass(key.error());
  if (!*key) return fail_key("this site has no recovery key", "");
  return std::move(**key);
}

// Before the copy: what it says is in it is in it.
Result<BackupHeader> header_of(Store& store, const SiteKeys& keys, std::size_t damaged,
                               TimePoint now) {
  BackupHeader header;
  header.site = keys.site();
  header.version = program_version;
  header.made_at = unix_seconds(now);
  header.damaged = damaged;
  // A site of which this is damaged is to be backed up all the more.
  const auto epoch = find_epoch(store);
  if (!epoch && epoch.error().kind != ErrorKind::corrupt) return pass(epoch.error());
  header.epoch = epoch.value_or(0);
  const auto revision = store.commit({});
  if (!revision) return pass(revision.error());
  header.revision = *revision;
  return header;
}

}  // namespace

Result<std::vector<std::string>> damaged_records(const Store& store, const SealingKey& sealing) {
  auto unread = names_of_unread(store);
  if (!unread) return pass(unread.error());
  std::vector<std::string> damaged = std::move(*unread);
  // Those are looked at below, by their keys too.
  std::erase_if(damaged, [](const std::string& name) {
    return name.starts_with(fmt::format("{} ", kinds::authority));
  });
  const auto authorities = all_records(store, kinds::authority);
  if (!authorities) return pass(authorities.error());
  for (const auto& record : *authorities) {
    const auto opened = load_authority(store, record.key, sealing);
    if (opened || opened.error().kind == ErrorKind::not_found) continue;
    if (is_store_away(opened.error())) return pass(opened.error());
    damaged.push_back(fmt::format("{} {}", kinds::authority, record.key));
  }
  return damaged;
}

namespace {
// The disk is full: nothing is left of it, and whoever reads this is to know what to free.
Error with_need(Error error, const std::string& folder) {
  if (error.kind == ErrorKind::exhausted)
    error.message += fmt::format(
        "; while a backup is made, '{}' needs room for the database twice more. Nothing is left of this one: free some there, then make it again",
        folder);
  return error;
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
  const auto key = key_to_use(store);
  if (!key) return pass(key.error());
  remove_unfinished_backups(source.folder);
  const auto damaged = damaged_records(store, sealing);
  if (!damaged) return pass(damaged.error());
  const auto header = header_of(store, keys, damaged->size(), now);
  if (!header) return pass(header.error());
  auto made = write_and_open(source, {sealing.bytes(), source.settings, copy_path(source.folder)},
                             *header, key->certificate, keys, *damaged, now);
  remove_unfinished_backups(source.folder);
  if (!made) return pass(with_need(made.error(), source.folder));
  return made;
}

void remove_unfinished_backups(const std::string& folder) {
  for (const auto& path : {copy_path(folder), file_path(folder)}) {
    for (const std::string end : {"", ".new", ".new-journal", ".new-wal", "-wal", "-shm"})
      ::unlink((path + end).c_str());
  }
}

Result<BackupStatus> backup_status(const BackupSource& source, const Store& store, TimePoint now) {
  auto status = backup_status(store, now, source.is_required);
  if (!status || source.tells_copies) return status;
  const std::string before = status->message.empty() ? "" : status->message + "; besides, ";
  status->message =
      before +
      fmt::format(
          "the disk of '{}' says neither when a file was made nor which one it is: an older copy of that folder would be served as if it were the site's newest",
          source.folder);
  status->cure =
      (status->cure.empty() ? "" : status->cure + "; ") +
      "stop the server, move the folder to a disk with birth times (ext4, xfs, btrfs), start it";
  return status;
}

}  // namespace muster
