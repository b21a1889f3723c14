#include "records/seal.hpp"

#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

struct SealRecord {
  std::int64_t since = 0;
};

constexpr auto seal_fields = [](auto& fields, auto& seal) { fields.number("since", seal.since); };

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
  auto read = as_stored(parse_record<Restored>("the restore", record->value, restored_fields));
  if (!read) return pass(read.error());
  return *read;
}

void put_restored(const Restored& restored, Transaction& transaction) {
  transaction.put(kinds::site, kinds::restored_key, record_text(restored, restored_fields));
}

void seal_cluster(const std::string& cluster, std::int64_t now, Transaction& transaction) {
  transaction.put(kinds::sealed, cluster, record_text(SealRecord{now}, seal_fields));
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

Error is_sealed(const std::string& cluster) {
  return {
      ErrorKind::unavailable, sealed_code,
      fmt::format(
          "cluster '{0}': sealed since its server was restored: see `muster restore status`, then `muster restore open {0}`",
          cluster)};
}

}  // namespace muster
