#include "backup/backup_file.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "backup/backup.hpp"
#include "backup/recovery_key.hpp"
#include "backup/restore.hpp"
#include "backup/store_mark.hpp"
#include "fakes/unreadable.hpp"
#include "pki/unix_seconds.hpp"
#include "records/epoch.hpp"
#include "records/seal.hpp"
#include "store/sqlite_store.hpp"
#include "unit/publish/sample_site.hpp"

using namespace muster;

namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A site on a disk, with one backup of it.
struct BackedUp {
  ScratchFolder folder;
  SealingKey sealing{random_bytes(32)};
  PrivateKey key = PrivateKey::generate_p256().value();
  std::string file = folder.path("muster.backup"), database = folder.path("state.sqlite"), pin;

  BackedUp() {
    auto store = SqliteStore::open(database, SqliteStore::OpenMode::create_if_missing).value();
    const auto site = initialise_site(*store, sealing, sample::addresses(), sample::now).value();
    pin = site.site();
    Transaction transaction;
    transaction.put(kinds::cluster, "lab", "{}")
        .put(kinds::token, "t1", "{}")
        .put(kinds::cluster_token, "lab/t1", "")
        .put(kinds::pending, "sha256:aa", "{}");
    REQUIRE(store->commit(transaction));
    REQUIRE(store->back_up(folder.path("copy")));
    BackupHeader header;
    header.site = pin;
    header.made_at = 1000;
    header.revision = store->commit({}).value();
    const auto trust = site.trust();
    REQUIRE(write_backup(file, {sealing.bytes(), "{\"advertise\":[]}", folder.path("copy")}, header,
                         recovery_certificate(key).value(), {site.servers().issuing, trust->chain},
                         sample::now));
    fs::create_directory(folder.path("new"));
  }

  [[nodiscard]] RestoreOrder order() const {
    return {file,
            pin,
            key,
            folder.path("new/state.sqlite"),
            folder.path("new/sealing-key"),
            folder.path("new/store-mark"),
            folder.path("new/server.json")};
  }
};

}  // namespace

TEST_CASE("a backup is verified by the pin alone, and holds nothing that can be read") {
  const BackedUp site;
  const auto verified = verify_backup(site.file, site.pin);
  REQUIRE(verified);
  CHECK(verified->header.made_at == 1000);
  CHECK(verified->servers.node == sample::addresses().node);
  const std::string bytes = read(site.file);
  CHECK(bytes.find(site.sealing.bytes()) == std::string::npos);
  CHECK(bytes.find("SQLite format") == std::string::npos);
}

TEST_CASE("a backup of another site, altered, cut off or none at all is told as that") {
  const BackedUp site, other;
  CHECK(verify_backup(site.file, other.pin)
            .error()
            .message.find(
                fmt::format("'{}': backup: it is not of the site {}", site.file, other.pin)) == 0);
  std::string bytes = read(site.file);
  SUBCASE("altered") {
    bytes[1000] = static_cast<char>(bytes[1000] ^ 1);
    write(site.file, bytes);
    CHECK(
        verify_backup(site.file, site.pin).error().message ==
        fmt::format(
            "'{}': expected a backup of `muster backup`, found one that was altered; take another one",
            site.file));
  }
  SUBCASE("altered in its header, of which nothing is repeated") {
    const auto header = bytes.rfind("{\"payload\"");
    for (const std::size_t at : {header + 3, header + 30, header + 500, bytes.size() - 20}) {
      std::string other_bytes = bytes;
      other_bytes[at] = static_cast<char>(other_bytes[at] ^ 1);
      write(site.file, other_bytes);
      CHECK(
          verify_backup(site.file, site.pin).error().message ==
          fmt::format(
              "'{}': expected a backup of `muster backup`, found one that was altered; take another one",
              site.file));
    }
  }
  SUBCASE("cut off") {
    write(site.file, bytes.substr(0, bytes.size() - 1));
    CHECK(verify_backup(site.file, site.pin).error().kind == ErrorKind::corrupt);
  }
  SUBCASE("the header of one over the content of another") {
    const std::string others = read(other.file);
    const auto begin = [](const std::string& text) { return text.rfind("{\"payload\""); };
    write(site.file, others.substr(0, begin(others)) + bytes.substr(begin(bytes)));
    CHECK_FALSE(verify_backup(site.file, site.pin));
  }
  SUBCASE("a folder") {
    CHECK(
        verify_backup(site.folder.path("new"), site.pin).error().message ==
        fmt::format("'{}': expected a backup of `muster backup`, found a folder; take another one",
                    site.folder.path("new")));
  }
  SUBCASE("none") {
    write(site.file, "");
    CHECK(verify_backup(site.file, site.pin).error().message.find("too short") !=
          std::string::npos);
  }
}

TEST_CASE("signed by a machine's authority it is no backup of the site") {
  const BackedUp site;
  const auto authority = CertificateAuthority::create("muster-servers", std::chrono::hours(24));
  const auto verified = verify_backup(site.file, site.pin);
  auto store = SqliteStore::open(site.database, SqliteStore::OpenMode::must_exist).value();
  const auto trust = load_trust(*store).value();
  BackupHeader header;
  header.site = site.pin;
  REQUIRE(write_backup(site.folder.path("forged"), {"", "", site.folder.path("copy")}, header,
                       recovery_certificate(site.key).value(), {*authority, trust.chain},
                       sample::now));
  const auto refused = verify_backup(site.folder.path("forged"), site.pin);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::forbidden);
  CHECK(refused.error().message.find("it is not signed by a server of this site") !=
        std::string::npos);
}

TEST_CASE("what is restored is the site, in a new epoch, sealed, without tokens and approvals") {
  const BackedUp site;
  const auto restored = restore_backup(site.order(), sample::now);
  REQUIRE(restored);
  CHECK(restored->begun.epoch == 1);
  CHECK(restored->begun.sealed == std::vector<std::string>{"lab"});
  CHECK(restored->wrote_settings);
  CHECK(read(site.folder.path("new/server.json")) == "{\"advertise\":[]}");
  const auto sealing = SealingKey::load(site.folder.path("new/sealing-key"));
  REQUIRE(sealing);
  const auto store =
      SqliteStore::open(site.folder.path("new/state.sqlite"), SqliteStore::OpenMode::must_exist)
          .value();
  CHECK(SiteKeys::load(*store, *sealing).value().site() == site.pin);
  CHECK(find_epoch(*store).value() == 1);
  CHECK(sealed_clusters(*store).value() == std::vector<std::string>{"lab"});
  CHECK(find_due(*store, "lab").value().has_value());
  CHECK(store->count(kinds::token).value() == 0);
  CHECK(store->count(kinds::cluster_token).value() == 0);
  CHECK(store->count(kinds::pending).value() == 0);
  CHECK(StoreMark::open(*store, site.folder.path("new/store-mark")).has_value());
  // What it came from has all that it has.
  const auto status = backup_status(*store, sample::now).value();
  CHECK(status.unsaved.empty());
  CHECK(status.last->digest == sha256_digest(read(site.file)));
  CHECK(status.last->made_at == 1000);
  CHECK_FALSE(fs::exists(site.folder.path("new/state.sqlite.restored.opened")));
}

TEST_CASE("a restore goes over nothing, and one that was cut off is begun again") {
  const BackedUp site;
  SUBCASE("a store") {
    write(site.folder.path("new/state.sqlite"), "x");
    CHECK(
        restore_backup(site.order(), sample::now).error().message ==
        fmt::format(
            "'{}': expected none, found a store; restore on a machine without a site, or move it away, all of these files",
            site.folder.path("new/state.sqlite")));
  }
  SUBCASE("what was left beside a store") {
    write(site.folder.path("new/state.sqlite-wal"), "x");
    write(site.folder.path("new/state.sqlite-shm"), "x");
    CHECK(
        restore_backup(site.order(), sample::now).error().message ==
        fmt::format(
            "'{0}-wal', '{0}-shm': expected none, found a store; restore on a machine without a site, or move it away, all of these files",
            site.folder.path("new/state.sqlite")));
    CHECK_FALSE(fs::exists(site.folder.path("new/state.sqlite")));
  }
  SUBCASE("another's sealing key") {
    REQUIRE(SealingKey::load_or_create(site.folder.path("new/sealing-key")));
    CHECK(restore_backup(site.order(), sample::now)
              .error()
              .message.find("found another site's sealing key") != std::string::npos);
  }
  SUBCASE("cut off") {
    write(site.folder.path("new/state.sqlite.restored"), "half");
    write(site.folder.path("new/sealing-key"), site.sealing.bytes());
    fs::permissions(site.folder.path("new/sealing-key"), fs::perms(0600));
    CHECK(restore_backup(site.order(), sample::now).has_value());
  }
  SUBCASE("another key") {
    const BackedUp other;
    RestoreOrder order{
        site.file,         site.pin, other.key, site.order().database, site.order().sealing_key,
        site.order().mark, ""};
    CHECK(
        restore_backup(order, sample::now).error().message ==
        fmt::format(
            "'{}': expected the recovery key {}, to which it is encrypted, found {}; give its own with --key",
            site.file, site.key.public_key().fingerprint(), other.key.public_key().fingerprint()));
    CHECK(fs::is_empty(site.folder.path("new")));
  }
}

TEST_CASE("the settings are known before anything is laid down") {
  const BackedUp site, other;
  const auto header = verify_backup(site.file, site.pin)->header;
  CHECK(read_backup_settings(site.file, header, site.key).value() == "{\"advertise\":[]}");
  CHECK(read_backup_settings(site.file, header, other.key).error().kind == ErrorKind::forbidden);
}

TEST_CASE("a recovery key that cannot be read is told, and set anew") {
  sample::Site site;
  make_unreadable(site.store, kinds::site, kinds::recovery_key);
  make_unreadable(site.store, kinds::site, kinds::backup_key);
  const auto status = backup_status(site.store, sample::now);
  REQUIRE(status);
  CHECK(status->message.find("the recovery key's record cannot be read") == 0);
  CHECK(status->cure ==
        "muster backup key new --out FILE, keep FILE elsewhere, then muster backup FILE");
  const auto key = PrivateKey::generate_p256();
  REQUIRE(set_recovery_key(site.store, recovery_certificate(*key)->pem(), "operator anna",
                           sample::now));
  CHECK(backup_status(site.store, sample::now)->key);
}

TEST_CASE("the status is red until a CA key is in a backup that somebody keeps") {
  sample::Site site;
  CHECK(backup_status(site.store, sample::now)->message.find("no recovery key") == 0);
  const auto key = PrivateKey::generate_p256().value();
  REQUIRE(
      set_recovery_key(site.store, recovery_certificate(key)->pem(), "operator anna", sample::now));
  CHECK(backup_status(site.store, sample::now)->unsaved == std::vector<std::string>{"-"});
  CHECK(backup_status(site.store, sample::now)->message ==
        "the CA keys of the site are in no backup, and lost with this disk");
  const KeptBackup made{site.store.commit({}).value(), unix_seconds(sample::now),
                        key.public_key().fingerprint(), "sha256:d"};
  REQUIRE(note_made_backup(site.store, made, "operator anna", sample::now));
  CHECK(backup_status(site.store, sample::now)->unsaved.size() == 1);  // nobody keeps it yet
  CHECK(
      note_kept_backup(site.store, "sha256:other", "operator anna", sample::now).error().message ==
      "backup: another one was made since; make and keep a new one");
  REQUIRE(note_kept_backup(site.store, "sha256:d", "operator anna", sample::now));
  CHECK(backup_status(site.store, sample::now)->unsaved.empty());
  CHECK(backup_status(site.store, sample::now)->message.empty());
  Transaction transaction;
  transaction.put(kinds::authority, "lab/cluster", "{}");
  REQUIRE(site.store.commit(transaction));
  CHECK(backup_status(site.store, sample::now)->unsaved == std::vector<std::string>{"lab"});
  CHECK_FALSE(is_backed_up(site.store, "lab").value());
  CHECK(
      backup_status(site.store, sample::now, true)->message ==
      "the CA keys of cluster 'lab' are in no backup, and lost with this disk; new machines of cluster 'lab' wait for it, since this server's settings say \"backup\": \"required\"");
}

TEST_CASE("the status tells a backup that no key of today opens, and one that is old") {
  sample::Site site;
  const auto set = [&](const PrivateKey& key) {
    REQUIRE(set_recovery_key(site.store, recovery_certificate(key)->pem(), "operator anna",
                             sample::now));
    return key.public_key().fingerprint();
  };
  const std::string first = set(PrivateKey::generate_p256().value());
  Transaction transaction;
  put_kept_backup({site.store.commit({}).value(), unix_seconds(sample::now), first, "sha256:d"},
                  transaction);
  REQUIRE(site.store.commit(transaction));
  const auto message = [&](std::chrono::hours later) {
    return backup_status(site.store, sample::now + later)->message;
  };
  CHECK(message(std::chrono::hours(23)).empty());
  CHECK(
      message(std::chrono::hours(31)) ==
      "the last backup that is kept is 31 hours old: what changed since, bans among it, is lost with this disk");
  const std::string second = set(PrivateKey::generate_p256().value());
  CHECK(
      message(std::chrono::hours(31)) ==
      fmt::format(
          "no backup opens with the recovery key {}: the last one that is kept opens with {} alone",
          second, first));
  CHECK(backup_status(site.store, sample::now)->unsaved.empty());
  CHECK(backup_status(site.store, sample::now)->unrecoverable == std::vector<std::string>{"-"});
  CHECK_FALSE(backup_status(site.store, sample::now)->cure.empty());
}

TEST_CASE("a backup names what of a cluster it has damaged, its machines' records too") {
  sample::Site site;
  site.publish(sample::small_inventory());
  REQUIRE(damaged_records(site.store, site.sealing).value().empty());
  Transaction transaction;
  transaction.put(kinds::machine, "lab/m1", "{").put(kinds::member, "lab/ci-1", "{");
  transaction.put(kinds::on_demand, "ci", "{").put(kinds::turn, "lab", "{");
  REQUIRE(site.store.commit(transaction));
  const std::string revision = kinds::revision_key("lab", 1);
  make_unreadable(site.store, kinds::revision, revision);
  CHECK(damaged_records(site.store, site.sealing).value() ==
        std::vector<std::string>{"on-demand ci", "member lab/ci-1", "revision " + revision,
                                 "machine lab/m1", "turn lab"});
  make_unreadable(site.store, kinds::cluster, "lab");
  CHECK(damaged_records(site.store, site.sealing).value() ==
        std::vector<std::string>{"cluster lab", "on-demand ci", "member lab/ci-1", "machine lab/m1",
                                 "turn lab"});
}

TEST_CASE("a CA key that cannot be read, or does not open, is in no backup that has it so") {
  sample::Site site;
  CHECK(damaged_records(site.store, site.sealing).value().empty());
  Transaction transaction;
  REQUIRE(create_authority("lab/etcd", "etcd-lab", site.sealing, transaction));
  REQUIRE(create_authority("dem/etcd", "etcd-dem", SealingKey(random_bytes(32)), transaction));
  REQUIRE(site.store.commit(transaction));
  make_unreadable(site.store, kinds::authority, "lab/etcd");
  const auto damaged = damaged_records(site.store, site.sealing).value();
  CHECK(damaged == std::vector<std::string>{"authority dem/etcd", "authority lab/etcd"});
  Transaction kept;
  put_kept_backup({site.store.commit({}).value(), unix_seconds(sample::now), "", "", damaged},
                  kept);
  REQUIRE(site.store.commit(kept));
  CHECK(backup_status(site.store, sample::now)->unsaved == std::vector<std::string>{"dem", "lab"});
  CHECK_FALSE(is_backed_up(site.store, "lab").value());
}
