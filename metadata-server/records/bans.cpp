#include "records/bans.hpp"

#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr auto ban_fields = [](auto& fields, auto& record) {
  fields.text("reason", record.reason);
  fields.text("by", record.by);
  fields.number("since", record.since);
};

// Nothing: there is none.
Result<std::optional<Record>> find(const Store& store, std::string_view kind,
                                   std::string_view key) {
  auto record = store.get(kind, key);
  if (record) return std::optional(std::move(*record));
  if (record.error().kind == ErrorKind::not_found) return std::optional<Record>();
  return pass(record.error());
}

BanRecord read(const Record& record) {
  return parse_ban_record(record.value).value_or(BanRecord{});
}
}  // namespace

std::string to_json(const BanRecord& record) {
  return record_text(record, ban_fields);
}

Result<BanRecord> parse_ban_record(std::string_view json) {
  return parse_record<BanRecord>("ban record", json, ban_fields);
}

Result<std::optional<BanRecord>> find_ban(const Store& store, const std::string& cluster,
                                          const std::string& node) {
  const auto record = find(store, kinds::ban, kinds::pair_key(cluster, node));
  if (!record) return pass(record.error());
  return *record ? std::optional(read(**record)) : std::nullopt;
}

Result<std::map<std::string, BanRecord>> list_bans(const Store& store, const std::string& cluster) {
  const std::string prefix = kinds::prefix_of(cluster);
  const auto records = all_records(store, kinds::ban, prefix);
  if (!records) return pass(records.error());
  std::map<std::string, BanRecord> bans;
  for (const auto& record : *records) bans[record.key.substr(prefix.size())] = read(record);
  return bans;
}

Result<std::vector<std::string>> banned_machines(const Store& store, const std::string& cluster) {
  const auto bans = list_bans(store, cluster);
  if (!bans) return pass(bans.error());
  std::vector<std::string> names;
  for (const auto& [node, record] : *bans) names.push_back(node);
  return names;
}

Result<std::optional<std::string>> find_banned_key(const Store& store,
                                                   std::string_view fingerprint) {
  auto record = find(store, kinds::banned_key, fingerprint);
  if (!record) return pass(record.error());
  return *record ? std::optional(std::move((*record)->value)) : std::nullopt;
}

Result<void> check_banned_key(std::string_view value) {
  if (kinds::parse_pair_key(value)) return {};
  return fail(ErrorKind::corrupt, "banned key: expected the name of a machine, found none");
}

void put_ban(const std::string& cluster, const std::string& node, const BanRecord& record,
             const std::vector<std::string>& keys, Transaction& transaction) {
  const std::string name = kinds::pair_key(cluster, node);
  transaction.put(kinds::ban, name, to_json(record));
  for (const auto& key : keys) transaction.put(kinds::banned_key, key, name);
}

Result<bool> remove_ban(const Store& store, const std::string& cluster, const std::string& node,
                        Transaction& transaction) {
  const std::string name = kinds::pair_key(cluster, node);
  const auto record = find(store, kinds::ban, name);
  if (!record) return pass(record.error());
  bool is_banned = record->has_value();
  if (is_banned) transaction.remove(kinds::ban, name);
  const auto keys = all_records(store, kinds::banned_key);
  if (!keys) return pass(keys.error());
  for (const auto& key : *keys) {
    if (key.value != name) continue;
    transaction.remove(kinds::banned_key, key.key);
    is_banned = true;
  }
  return is_banned;
}

void expect_not_banned(const std::string& cluster, const std::string& node, std::string_view key,
                       Transaction& transaction) {
  transaction.expect(kinds::ban, kinds::pair_key(cluster, node), 0)
      .expect(kinds::banned_key, key, 0);
}

}  // namespace muster
