#include "records/secrets.hpp"

#include <algorithm>
#include <tuple>

#include "document/field_syntax.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/cluster_life.hpp"
#include "records/epoch.hpp"
#include "records/record_fields.hpp"
#include "records/sealed_text.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// A row without a sealed value says that the secret was removed; it keeps the count.
struct SecretRow {
  std::uint64_t version = 0;
  std::uint64_t record_version = 0;
  std::int64_t created_at = 0;
  std::string sealed;
  bool is_unread = false;  // nothing but its version is known
};

constexpr auto secret_fields = [](auto& fields, auto& row) {
  fields.number("createdAt", row.created_at);
  fields.text("sealedValue", row.sealed);
};

std::string row_text(TimePoint now, std::string sealed) {
  SecretRow row;
  row.created_at = unix_seconds(now);
  row.sealed = std::move(sealed);
  return record_text(row, secret_fields);
}

Result<SecretRow> parse_row(const Record& record) {
  const std::string what = fmt::format("secret '{}'", record.key);
  auto row = parse_record<SecretRow>(what, record.value, secret_fields);
  if (!row) return row;
  row->version = kinds::parse_number(record.key).value_or(0);
  row->record_version = record.version;
  return row;
}

}  // namespace

Result<void> check_secret_record(std::string_view json) {
  const auto row = parse_record<SecretRow>("secret record", json, secret_fields);
  return row ? Result<void>() : pass(row.error());
}

namespace {

Result<void> check_name(const std::string& cluster, const std::string& name) {
  if (!is_dns_label(cluster) || !is_dns_label(name)) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "secret {} of cluster {}: expected names of lower-case letters, digits and '-', at most 63",
            in_ticks(name), in_ticks(cluster)));
  }
  return {};
}

// The server makes both, and what they are made of nobody knows but it.
Result<void> check_not_own(const std::string& cluster, const std::string& name) {
  if (!is_own_secret(name)) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "secret '{}' of cluster '{}': the server makes it and keeps it by itself, for the masters alone. Take another name.",
          name, cluster));
}

// A version that cannot be read is one all the same: a new value or the removal takes its place.
Result<std::vector<SecretRow>> rows_of(const Store& store, const std::string& cluster,
                                       const std::string& name) {
  const auto records = all_records(store, kinds::secret, kinds::secret_prefix(cluster, name));
  if (!records) return pass(records.error());
  std::vector<SecretRow> rows;
  for (const auto& record : *records) {
    auto row = parse_row(record);
    if (!row) {
      row = SecretRow{};
      row->version = kinds::parse_number(record.key).value_or(0);
      row->record_version = record.version;
      row->is_unread = true;
    }
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

namespace {

// What was asked for, and whether there was a cluster when it was looked at.
struct NewSecret {
  const std::string &cluster, &name;
  std::string_view value, actor;
  TimePoint now;
  bool had_cluster = false;
};

// It is of the cluster that it was set for, not of the next one of that name.
Result<void> expect_same_life(const Store& store, NewSecret& order, Transaction& transaction) {
  const auto there = expect_life(store, order.cluster, transaction);
  if (!there) return pass(there.error());
  if (*there || !order.had_cluster) {
    order.had_cluster = *there;
    return {};
  }
  return fail(
      ErrorKind::conflict, "cluster_ended",
      fmt::format(
          "secret '{}' of cluster '{}': the cluster ended while this was being set, and nothing was. If it is meant for the next one of that name, set it again.",
          order.name, order.cluster));
}

Result<std::uint64_t> set_once(Store& store, const SealingKey& sealing, NewSecret& order) {
  const auto& [cluster, name, value, actor, now, had_cluster] = order;
  Transaction transaction;
  if (auto same = expect_same_life(store, order, transaction); !same) return pass(same.error());
  const auto rows = rows_of(store, cluster, name);
  if (!rows) return pass(rows.error());
  const auto epoch = find_epoch(store);
  if (!epoch) return pass(epoch.error());
  const std::uint64_t newest = rows->empty() ? 0 : rows->back().version;
  // Machines may hold a later value of a version that was lost with its epoch.
  if (newest != 0 && epoch_of(newest) >= *epoch && !rows->back().sealed.empty()) {
    const auto present = open_text(sealing, kinds::secret, kinds::secret_key(cluster, name, newest),
                                   rows->back().sealed);
    if (!present) return pass(present.error());
    if (equal_secrets(*present, value)) return newest;
  }
  const std::uint64_t version = next_number(newest, *epoch);
  const std::string key = kinds::secret_key(cluster, name, version);
  const auto sealed = seal_text(sealing, kinds::secret, key, value);
  if (!sealed) return pass(sealed.error());
  transaction.expect(kinds::secret, key, 0).put(kinds::secret, key, row_text(now, *sealed));
  for (const auto& row : *rows) {
    if (!row.is_unread) continue;
    const std::string unread = kinds::secret_key(cluster, name, row.version);
    transaction.expect(kinds::secret, unread, row.record_version).remove(kinds::secret, unread);
  }
  append_audit(transaction, now, actor, "secret-set", fmt::format("{}/{}", cluster, name),
               fmt::format("version {}", version));
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  return version;
}

}  // namespace

Result<std::uint64_t> set_secret(Store& store, const SealingKey& sealing,
                                 const std::string& cluster, const std::string& name,
                                 std::string_view value, std::string_view actor, TimePoint now) {
  if (auto checked = check_name(cluster, name); !checked) return pass(checked.error());
  if (auto free = check_not_own(cluster, name); !free) return pass(free.error());
  if (value.empty() || value.size() > maximum_secret_size) {
    return fail(ErrorKind::invalid,
                fmt::format("secret '{}' of cluster '{}': expected 1 to {} bytes, found {}", name,
                            cluster, maximum_secret_size, value.size()));
  }
  NewSecret order{cluster, name, value, actor, now};
  constexpr int attempts = 20;  // the cluster may be published meanwhile, again and again
  for (int attempt = 1;; ++attempt) {
    auto version = set_once(store, sealing, order);
    const bool is_lost = !version && version.error().kind == ErrorKind::conflict &&
                         version.error().code != "cluster_ended";
    if (!is_lost || attempt == attempts) return version;
  }
}

Result<void> add_secret_removal(const Store& store, const std::string& cluster,
                                const std::string& name, std::string_view actor, TimePoint now,
                                Transaction& transaction) {
  if (auto checked = check_name(cluster, name); !checked) return checked;
  if (auto free = check_not_own(cluster, name); !free) return free;
  const auto rows = rows_of(store, cluster, name);
  if (!rows) return pass(rows.error());
  if (rows->empty() || (rows->back().sealed.empty() && !rows->back().is_unread)) return {};
  for (const auto& row : *rows) {
    const std::string key = kinds::secret_key(cluster, name, row.version);
    transaction.expect(kinds::secret, key, row.record_version);
    if (row.version == rows->back().version) {
      transaction.put(kinds::secret, key, row_text(now, {}));
    } else {
      transaction.remove(kinds::secret, key);
    }
  }
  append_audit(transaction, now, actor, "secret-removed", fmt::format("{}/{}", cluster, name));
  return {};
}

namespace {
// not_found: no such version, or the secret was removed.
Result<SecretRow> find_row(const Store& store, const std::string& cluster, const std::string& name,
                           std::uint64_t version) {
  const auto record = store.get(kinds::secret, kinds::secret_key(cluster, name, version));
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  if (record) {
    auto row = parse_row(*record);
    if (!row || !row->sealed.empty()) return row;
  }
  return fail(
      ErrorKind::not_found,
      fmt::format(
          "secret '{0}' of cluster '{1}': there is no version {2}. Set it with `muster secret set` and apply.",
          name, cluster, version));
}
}  // namespace

Result<std::string> get_secret(const Store& store, const SealingKey& sealing,
                               const std::string& cluster, const std::string& name,
                               std::uint64_t version) {
  const auto row = find_row(store, cluster, name, version);
  if (!row) return pass(row.error());
  return open_text(sealing, kinds::secret, kinds::secret_key(cluster, name, version), row->sealed);
}

Result<std::uint64_t> find_secret_version(const Store& store, const std::string& cluster,
                                          const std::string& name, std::uint64_t version) {
  const auto row = find_row(store, cluster, name, version);
  if (!row) return pass(row.error());
  return row->record_version;
}

namespace {
// "lab/db" of "lab/db/000000000003".
std::string_view row_owner(std::string_view key) {
  return key.substr(0, key.rfind('/'));
}
}  // namespace

Result<std::vector<SecretInfo>> list_secrets(const Store& store, const std::string& cluster) {
  const auto records = all_records(store, kinds::secret,
                                   cluster.empty() ? std::string() : kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::vector<SecretInfo> list;
  bool removed = false;  // the last of the list, which a later version may bring back
  for (std::size_t i = 0; i < records->size(); ++i) {
    const Record& record = (*records)[i];
    const auto row = parse_row(record);
    // Where there is a later version, nobody asks for what cannot be read.
    const bool is_last =
        i + 1 == records->size() || row_owner((*records)[i + 1].key) != row_owner(record.key);
    // Of every cluster, it is no reason to tell of no other; fleet/unread_records tells of it.
    if (!row && is_last && !cluster.empty()) return pass(row.error());
    const auto owner = kinds::parse_pair_key(record.key);
    if (!owner) continue;
    const std::string name = owner->second.substr(0, owner->second.rfind('/'));
    const bool same =
        !list.empty() && list.back().cluster == owner->first && list.back().name == name;
    if (same || removed) list.pop_back();
    removed = false;
    if (!row) continue;
    list.push_back({owner->first, name, row->version, row->created_at});
    removed = row->sealed.empty();
  }
  if (removed) list.pop_back();
  // By the keys' bytes "db-2/" comes before "db/".
  std::sort(list.begin(), list.end(), [](const SecretInfo& a, const SecretInfo& b) {
    return std::tie(a.cluster, a.name) < std::tie(b.cluster, b.name);
  });
  return list;
}

Result<void> create_secret(const SealingKey& sealing, const std::string& cluster,
                           std::string_view name, std::string_view value, TimePoint now,
                           Transaction& transaction) {
  const std::string key = kinds::secret_key(cluster, name, 1);
  const auto sealed = seal_text(sealing, kinds::secret, key, value);
  if (!sealed) return pass(sealed.error());
  transaction.expect(kinds::secret, key, 0).put(kinds::secret, key, row_text(now, *sealed));
  return {};
}

}  // namespace muster
