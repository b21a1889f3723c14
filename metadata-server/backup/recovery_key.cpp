#include "backup/recovery_key.hpp"

#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <algorithm>
#include <set>

#include "pki/unix_seconds.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

struct KeyRecord {
  std::string certificate;
  std::int64_t since = 0;
};

constexpr auto key_fields = [](auto& fields, auto& record) {
  fields.text("certificate", record.certificate);
  fields.number("since", record.since);
};

constexpr auto backup_fields = [](auto& fields, auto& record) {
  fields.number("revision", record.revision);
  fields.number("madeAt", record.made_at);
  fields.text("recoveryKey", record.recovery_key);
  fields.text("digest", record.digest);
  fields.texts("damaged", record.damaged, Presence::if_set);
};

template <class Stored, class Description>
Result<std::optional<Stored>> find_of_site(const Store& store, std::string_view key,
                                           const Description& describe) {
  const auto record = store.get(kinds::site, key);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto read = parse_record<Stored>(kinds::row_name(kinds::site, key), record->value, describe);
  if (!read) return pass(read.error());
  return std::move(*read);
}

constexpr std::size_t owners_named = 5;

std::string owner_names(const std::vector<std::string>& owners) {
  std::vector<std::string> names;
  for (const auto& owner : owners) {
    if (names.size() < owners_named)
      names.push_back(owner == "-" ? "the site" : fmt::format("cluster '{}'", owner));
  }
  const auto all = fmt::format("{}", fmt::join(names, ", "));
  return owners.size() <= owners_named
             ? all
             : fmt::format("{} and {} more", all, owners.size() - owners_named);
}

// What is amiss although all CA keys are in the last one.
std::string amiss_with_last(const KeptBackup& last, const std::string& key, TimePoint now) {
  if (last.recovery_key != key)
    return fmt::format(
        "no backup opens with the recovery key {}: the last one that is kept opens with {} alone",
        key, last.recovery_key);
  const std::chrono::seconds age(unix_seconds(now) - last.made_at);
  if (age < oldest_backup) return {};
  return fmt::format(
      "the last backup that is kept is {} hours old: what changed since, bans among it, is lost with this disk",
      std::chrono::duration_cast<std::chrono::hours>(age).count());
}

constexpr const char* make_one =
    "muster backup FILE, and keep it elsewhere (muster-backup.timer does so by itself: systemctl status muster-backup.timer muster-backup)";

void tell_cure(BackupStatus& status, TimePoint now, bool is_required) {
  if (!status.key) {
    status.message =
        "no recovery key: nothing of this site can be backed up, and its keys are lost with this disk";
    status.cure = "muster backup key new --out FILE, keep FILE elsewhere, then muster backup FILE";
  } else if (!status.unsaved.empty()) {
    status.message = fmt::format("the CA keys of {} are in no backup, and lost with this disk",
                                 owner_names(status.unsaved));
    status.cure = make_one;
    if (status.last && !status.last->damaged.empty())
      status.cure +=
          fmt::format("; the last one has {} as damaged as it is here: keep an older one",
                      fmt::join(status.last->damaged, ", "));
  }
  if (status.key && status.last) {
    const auto amiss = amiss_with_last(*status.last, status.key->fingerprint(), now);
    if (!amiss.empty() && status.message.empty()) status.cure = make_one;
    if (!amiss.empty()) status.message += (status.message.empty() ? "" : "; ") + amiss;
  }
  std::vector<std::string> waiting = status.unsaved;
  std::erase(waiting, "-");
  if (is_required && !waiting.empty())
    status.message += fmt::format(
        "; new machines of {} wait for it, since this server's settings say \"backup\": \"required\"",
        owner_names(waiting));
}

}  // namespace

Result<std::optional<RecoveryKey>> find_recovery_key(const Store& store) {
  const auto record = find_of_site<KeyRecord>(store, kinds::recovery_key, key_fields);
  if (!record) return pass(record.error());
  if (!*record) return std::nullopt;
  auto certificate = as_stored(Certificate::from_pem((*record)->certificate));
  if (!certificate) return pass(certificate.error());
  return RecoveryKey{std::move(*certificate), (*record)->since};
}

namespace {
Result<void> put_recovery_key(Store& store, const std::string& certificate_pem,
                              const std::string& actor, TimePoint now, Transaction transaction) {
  const auto certificate = Certificate::from_pem(certificate_pem);
  if (!certificate) return while_doing(certificate.error(), "recovery key");
  if (EVP_PKEY_get_base_id(certificate->public_key().native()) != EVP_PKEY_EC)
    return fail(ErrorKind::invalid,
                "recovery key: expected the certificate of a P-256 key, found another kind");
  transaction.put(kinds::site, kinds::recovery_key,
                  record_text(KeyRecord{certificate->pem(), unix_seconds(now)}, key_fields));
  append_audit(transaction, now, actor, "recovery-key-set",
               certificate->public_key().fingerprint());
  return commit(store, transaction);
}
}  // namespace

Result<void> set_recovery_key(Store& store, const std::string& certificate_pem,
                              const std::string& actor, TimePoint now) {
  return put_recovery_key(store, certificate_pem, actor, now, {});
}

Result<void> set_first_recovery_key(Store& store, const std::string& certificate_pem,
                                    const std::string& actor, TimePoint now) {
  Transaction transaction;
  transaction.expect(kinds::site, kinds::recovery_key, 0);
  return put_recovery_key(store, certificate_pem, actor, now, std::move(transaction));
}

Result<std::optional<KeptBackup>> find_kept_backup(const Store& store) {
  return find_of_site<KeptBackup>(store, kinds::backup_key, backup_fields);
}

Result<void> note_made_backup(Store& store, const KeptBackup& backup, const std::string& actor,
                              TimePoint now) {
  Transaction transaction;
  transaction.put(kinds::site, kinds::made_backup_key, record_text(backup, backup_fields));
  append_audit(transaction, now, actor, "backup-made", backup.recovery_key,
               fmt::format("revision {} of the store", backup.revision));
  return commit(store, transaction);
}

Result<KeptBackup> note_kept_backup(Store& store, const std::string& digest,
                                    const std::string& actor, TimePoint now) {
  auto made = find_of_site<KeptBackup>(store, kinds::made_backup_key, backup_fields);
  if (!made) return pass(made.error());
  if (!*made || (*made)->digest != digest)
    return fail(ErrorKind::not_found,
                "backup: another one was made since; make and keep a new one");
  Transaction transaction;
  put_kept_backup(**made, transaction);
  append_audit(transaction, now, actor, "backup-kept", (*made)->recovery_key,
               fmt::format("revision {} of the store", (*made)->revision));
  if (auto noted = commit(store, transaction); !noted) return pass(noted.error());
  return std::move(**made);
}

void put_kept_backup(const KeptBackup& backup, Transaction& transaction) {
  transaction.put(kinds::site, kinds::backup_key, record_text(backup, backup_fields));
}

namespace {

bool is_in(const KeptBackup& backup, const Record& authority) {
  const auto& damaged = backup.damaged;
  return authority.version <= backup.revision &&
         std::find(damaged.begin(), damaged.end(),
                   fmt::format("{} {}", kinds::authority, authority.key)) == damaged.end();
}

// Of the authorities whose keys begin so. What was kept opens with the key of then, whoever has
// that.
Result<std::set<std::string>> unsaved_owners(const Store& store,
                                             const std::optional<KeptBackup>& last,
                                             const std::string& prefix) {
  const auto authorities = all_records(store, kinds::authority, prefix);
  if (!authorities) return pass(authorities.error());
  std::set<std::string> owners;
  for (const auto& record : *authorities) {
    const auto owner = kinds::parse_pair_key(record.key);
    if (owner && (!last || !is_in(*last, record))) owners.insert(owner->first);
  }
  return owners;
}

}  // namespace

Result<bool> is_backed_up(const Store& store, const std::string& cluster) {
  const auto last = find_kept_backup(store);
  if (!last && last.error().kind != ErrorKind::corrupt) return pass(last.error());
  const auto unsaved =
      unsaved_owners(store, last ? *last : std::nullopt, kinds::prefix_of(cluster));
  if (!unsaved) return pass(unsaved.error());
  return unsaved->empty();
}

Result<BackupStatus> backup_status(const Store& store, TimePoint now, bool is_required) {
  BackupStatus status;
  auto key = find_recovery_key(store);
  const bool is_unread = !key && key.error().kind == ErrorKind::corrupt;
  if (!key && !is_unread) return pass(key.error());
  if (key) status.key = std::move(*key);
  // Of what cannot be read nobody knows what it saved.
  auto last = find_kept_backup(store);
  if (!last && last.error().kind != ErrorKind::corrupt) return pass(last.error());
  if (last) status.last = std::move(*last);
  const auto owners = unsaved_owners(store, status.last, {});
  if (!owners) return pass(owners.error());
  status.unsaved.assign(owners->begin(), owners->end());
  const bool opens =
      status.key && status.last && status.last->recovery_key == status.key->fingerprint();
  const auto unopened = opens ? owners : unsaved_owners(store, std::nullopt, {});
  if (!unopened) return pass(unopened.error());
  status.unrecoverable.assign(unopened->begin(), unopened->end());
  tell_cure(status, now, is_required);
  if (is_unread) {
    status.message =
        "the recovery key's record cannot be read, and nothing of this site can be backed up: " +
        key.error().message;
  }
  return status;
}

}  // namespace muster
