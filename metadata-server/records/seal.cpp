#include "records/seal.hpp"

#include <limits>

#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

constexpr auto seal_fields = [](auto& fields, auto& seal) {
  fields.number("since", seal.since);
  fields.number("generation", seal.generation, Presence::newer);
  fields.number_map("masters", seal.masters, Presence::newer);
};

constexpr auto unheard_fields = [](auto& fields, auto& unheard) {
  fields.number("since", unheard.since);
  fields.number("generation", unheard.generation);
  fields.number("own", unheard.own);
  fields.number_map("asked", unheard.asked);
};

struct LostRecord {
  std::int64_t issued_at = 0;
};

constexpr auto lost_fields = [](auto& fields, auto& lost) {
  fields.number("issuedAt", lost.issued_at);
};

constexpr auto restored_fields = [](auto& fields, auto& restored) {
  fields.number("at", restored.at);
  fields.number("backupAt", restored.backup_at);
  fields.number("epoch", restored.epoch);
};

}  // namespace

Result<std::optional<Restored>> find_restored(const Store& store) {
  const auto record = store.get(kinds::site, kinds::restored_key);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto read = parse_record<Restored>("the restore", record->value, restored_fields);
  if (!read) return pass(read.error());
  return *read;
}

Result<void> check_restored_record(std::string_view json) {
  return check_record<Restored>("the restore", json, restored_fields);
}

void put_restored(const Restored& restored, Transaction& transaction) {
  transaction.put(kinds::site, kinds::restored_key, record_text(restored, restored_fields));
}

void seal_cluster(const std::string& cluster, const Seal& seal, Transaction& transaction) {
  transaction.put(kinds::sealed, cluster, record_text(seal, seal_fields));
}

Result<std::optional<Seal>> find_seal(const Store& store, const std::string& cluster) {
  const auto record = store.get(kinds::sealed, cluster);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto read = parse_record<Seal>("seal", record->value, seal_fields);
  if (read) return std::move(*read);
  Seal unread;
  unread.is_unread = true;
  return unread;
}

Result<void> check_seal_record(std::string_view json) {
  return check_record<Seal>("seal", json, seal_fields);
}

Result<std::vector<std::string>> sealed_clusters(const Store& store) {
  const auto records = all_records(store, kinds::sealed);
  if (!records) return pass(records.error());
  std::vector<std::string> names;
  for (const auto& record : *records) names.push_back(record.key);
  return names;
}

Result<void> check_not_sealed(const Store& store, const std::string& cluster) {
  const auto record = store.get(kinds::sealed, cluster);
  if (record) return pass(is_sealed(cluster));
  if (record.error().kind != ErrorKind::not_found) return pass(record.error());
  return {};
}

Result<void> expect_not_sealed(const Store& store, const std::string& cluster,
                               Transaction& transaction) {
  transaction.expect(kinds::sealed, cluster, 0);
  return check_not_sealed(store, cluster);
}

Result<void> note_lost(Store& store, const std::string& cluster, const std::string& node,
                       std::int64_t issued_at) {
  const auto restored = find_restored(store);
  if (!restored) return pass(restored.error());
  if (!*restored || issued_at < (*restored)->backup_at || issued_at > (*restored)->at) return {};
  Transaction transaction;
  const std::string key = kinds::pair_key(cluster, node);
  for (const auto& [kind, row] :
       {std::pair(kinds::cluster, cluster), std::pair(kinds::lost, key)}) {
    const auto found = store.get(kind, row);
    if (found) return {};
    if (found.error().kind != ErrorKind::not_found) return pass(found.error());
    transaction.expect(kind, row, 0);
  }
  transaction.put(kinds::lost, key, record_text(LostRecord{issued_at}, lost_fields));
  return commit(store, transaction);
}

Result<std::map<std::string, std::vector<std::string>>> lost_clusters(const Store& store) {
  const auto records = all_records(store, kinds::lost);
  if (!records) return pass(records.error());
  std::map<std::string, std::vector<std::string>> clusters;
  for (const auto& record : *records) {
    if (auto named = kinds::parse_pair_key(record.key))
      clusters[named->first].push_back(std::move(named->second));
  }
  const auto known = all_records(store, kinds::cluster);
  if (!known) return pass(known.error());
  for (const auto& record : *known) clusters.erase(record.key);
  return clusters;
}

Result<std::optional<FoundUnheard>> find_unheard(const Store& store, const std::string& cluster,
                                                 const std::string& node) {
  const auto record = store.get(kinds::unheard, kinds::pair_key(cluster, node));
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto read = parse_record<Unheard>("machine to be heard", record->value, unheard_fields);
  if (read) return FoundUnheard{std::move(*read), record->version};
  // It is asked all the same, whenever its identity is of, and whatever it shows is enough.
  Unheard unread;
  unread.since = std::numeric_limits<std::int64_t>::max();
  return FoundUnheard{std::move(unread), record->version};
}

void put_unheard(const std::string& cluster, const std::string& node, const Unheard& unheard,
                 Transaction& transaction) {
  transaction.put(kinds::unheard, kinds::pair_key(cluster, node),
                  record_text(unheard, unheard_fields));
}

Error is_sealed(const std::string& cluster) {
  return {
      ErrorKind::unavailable, sealed_code,
      fmt::format(
          "cluster '{0}': sealed since its server was restored: see `muster restore status`, then `muster restore open {0}`",
          cluster)};
}

}  // namespace muster
