#include "backup/restore.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backup/backup.hpp"
#include "backup/store_mark.hpp"
#include "document/node_document.hpp"
#include "pki/unix_seconds.hpp"
#include "publish/current_documents.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/epoch.hpp"
#include "records/revision.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"
#include "store/kinds.hpp"
#include "store/sqlite_store.hpp"

namespace muster {
namespace {

Result<void> remove_all_of(const Store& store, std::string_view kind, Transaction& transaction) {
  const auto records = all_records(store, kind);
  if (!records) return pass(records.error());
  for (const auto& record : *records) transaction.remove(kind, record.key);
  return {};
}

bool is_there(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

// What SQLite left beside a database that is gone would be played into the one that gets its name.
Result<void> check_free(const std::string& database) {
  std::vector<std::string> found;
  for (const std::string end : {"", "-wal", "-shm", "-journal"})
    if (is_there(database + end)) found.push_back("'" + database + end + "'");
  if (found.empty()) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "{}: expected none, found a store; restore on a machine without a site, or move it away, all of these files",
          fmt::join(found, ", ")));
}

Result<void> write_new(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string unfinished = path + ".restored";
  ::unlink(unfinished.c_str());
  {
    const FileDescriptor file(
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", unfinished));
    if (auto written = write_all(file.get(), bytes, unfinished); !written) return written;
  }
  return move_into_place(unfinished, path);
}

// What is told of the store before it has its name.
Result<void> look_around(const Store& store, RestoredSite& site) {
  const auto machines = all_records(store, kinds::machine);
  if (!machines) return pass(machines.error());
  for (const auto& record : *machines) site.machines.push_back(record.key);
  return {};
}

// Whoever restores from it has it: no need to say that its CA keys are in none.
Result<KeptBackup> backup_of(const Store& store, const VerifiedBackup& backup,
                             const SealingKey& sealing) {
  auto damaged = damaged_records(store, sealing);
  if (!damaged) return pass(damaged.error());
  return KeptBackup{backup.header.revision, backup.header.made_at, backup.header.recovery_key,
                    backup.digest, std::move(*damaged)};
}

// Of a cluster whose record cannot be read whatever machines show may be news.
Result<Seal> seal_of(const Store& store, const Record& cluster, TimePoint now) {
  Seal seal;
  seal.since = unix_seconds(now);
  const auto record = parse_cluster_record(cluster.value);
  if (!record) return seal;
  seal.generation = record->revision_number;
  const auto served = read_served_cluster(store, *record);
  if (!served) return pass(served.error());
  for (const auto& [node, document] : (*served)->documents) {
    if (served_identity(*document).role != name(Role::node))
      seal.masters[node] = static_cast<std::int64_t>(document->generation);
  }
  return seal;
}

// A sealing key of a restore that was cut off is this one.
Result<void> lay_sealing_key(const RestoreOrder& order, const std::string& bytes) {
  if (!is_there(order.sealing_key)) return write_new(order.sealing_key, bytes, 0600);
  const auto found = SealingKey::load(order.sealing_key);
  if (found && found->bytes() == bytes) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "'{}': expected none, found another site's sealing key; restore on a machine without a site, or move it away",
          order.sealing_key));
}

}  // namespace

Result<BegunAnew> begin_anew(Store& store, const std::string& mark,
                             const std::optional<KeptBackup>& from, TimePoint now) {
  const auto epoch = find_epoch(store);
  if (!epoch) return pass(epoch.error());
  BegunAnew begun;
  begun.epoch = *epoch + 1;
  Transaction transaction;
  if (auto put = put_epoch(store, begun.epoch, transaction); !put) return pass(put.error());
  put_restored({unix_seconds(now), from ? from->made_at : 0, begun.epoch}, transaction);
  if (from) put_kept_backup(*from, transaction);
  const auto clusters = all_records(store, kinds::cluster);
  if (!clusters) return pass(clusters.error());
  for (const auto& record : *clusters) {
    const auto seal = seal_of(store, record, now);
    if (!seal) return pass(seal.error());
    seal_cluster(record.key, *seal, transaction);
    if (auto due = mark_due(store, record.key, "restore", "server", now, transaction); !due)
      return pass(due.error());
    begun.sealed.push_back(record.key);
  }
  for (const auto kind : {kinds::token, kinds::cluster_token, kinds::pending, kinds::learned,
                          kinds::lost, kinds::unheard}) {
    if (auto removed = remove_all_of(store, kind, transaction); !removed)
      return pass(removed.error());
  }
  append_audit(transaction, now, "server", "restored", "",
               fmt::format("epoch {}, {} clusters sealed", begun.epoch, begun.sealed.size()));
  if (auto committed = commit(store, transaction); !committed) return pass(committed.error());
  if (auto marked = StoreMark::renew(store, mark); !marked) return pass(marked.error());
  return begun;
}

Result<RestoredSite> restore_backup(const RestoreOrder& order, TimePoint now) {
  if (auto free = check_free(order.database); !free) return pass(free.error());
  RestoredSite site;
  const auto backup = verify_backup(order.file, order.pin);
  if (!backup) return pass(backup.error());
  site.header = backup->header;
  site.known = backup->servers;
  const std::string unnamed = order.database + ".restored";
  for (const std::string end : {"", "-wal", "-shm", ".opened"}) ::unlink((unnamed + end).c_str());
  const auto content = open_backup(order.file, site.header, order.recovery_key, unnamed);
  if (!content) return pass(content.error());
  if (auto laid = lay_sealing_key(order, content->sealing_key); !laid) return pass(laid.error());
  if (!order.settings.empty() && !is_there(order.settings)) {
    if (auto written = write_new(order.settings, content->settings, 0644); !written)
      return pass(written.error());
    site.wrote_settings = true;
  }
  {
    const auto store = SqliteStore::open(unnamed, SqliteStore::OpenMode::must_exist);
    if (!store) return pass(store.error());
    if (auto looked = look_around(**store, site); !looked) return pass(looked.error());
    const auto from = backup_of(**store, *backup, SealingKey(content->sealing_key));
    if (!from) return pass(from.error());
    auto begun = begin_anew(**store, order.mark, *from, now);
    if (!begun) return pass(begun.error());
    site.begun = std::move(*begun);
  }
  if (auto moved = move_into_place(unnamed, order.database); !moved) return pass(moved.error());
  return site;
}

std::vector<std::string> shared_addresses(const ServerAddresses& known,
                                          const ServerAddresses& wanted) {
  std::vector<std::string> shared;
  for (const auto& url : wanted.node) {
    if (std::find(known.node.begin(), known.node.end(), url) != known.node.end())
      shared.push_back(url);
  }
  return shared;
}

}  // namespace muster
