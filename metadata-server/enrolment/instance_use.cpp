#include "enrolment/instance_use.hpp"

#include "inventory/objects.hpp"
#include "records/all_records.hpp"
#include "records/pool_member.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr auto instance_fields = [](auto& fields, auto& use) {
  fields.text("instance", use.instance);
  fields.text("key", use.key);
  fields.text("cluster", use.cluster);
  fields.text("node", use.node);
  fields.number("launchedAt", use.launched_at);
  fields.number("usedAt", use.used_at);
  fields.formerly("refusedAt");  // by servers before 0.3
};
}  // namespace

std::string to_json(const InstanceUse& use) {
  return record_text(use, instance_fields);
}

Result<InstanceUse> parse_instance_use(std::string_view json) {
  return parse_record<InstanceUse>("instance record", json, instance_fields);
}

Result<FoundInstanceUse> find_instance_use(const Store& store, const std::string& instance) {
  const auto record = store.get(kinds::instance, instance);
  if (!record && record.error().kind == ErrorKind::not_found) return FoundInstanceUse{};
  if (!record) return pass(record.error());
  auto use = parse_instance_use(record->value);
  if (!use) return pass(use.error());
  return FoundInstanceUse{std::move(*use), record->version};
}

void put_instance_use(const FoundInstanceUse& found, Transaction& transaction) {
  transaction.expect(kinds::instance, found.use.instance, found.version)
      .put(kinds::instance, found.use.instance, to_json(found.use));
}

Result<bool> is_member_there(const Store& store, const InstanceUse& use) {
  const auto member = find_member(store, use.cluster, use.node);
  if (!member) return pass(member.error());
  return *member && (*member)->record.removed_at == 0 && (*member)->record.key == use.key;
}

Result<std::size_t> collect_instance_uses(Store& store, std::int64_t now) {
  const auto records = all_records(store, kinds::instance);
  if (!records) return pass(records.error());
  const std::int64_t longest = std::chrono::seconds(longest_instance_age).count();
  Transaction transaction;
  std::size_t count = 0;
  for (const auto& record : *records) {
    const auto use = parse_instance_use(record.value);
    if (!use) {
      // It was let in, nobody knows as whom: it counts as launched now, and goes when that is old.
      const InstanceUse unknown{record.key, "", "", "", now, now};
      put_instance_use({unknown, record.version}, transaction);
      ++count;
      continue;
    }
    if (now <= use->launched_at + longest) continue;
    const auto is_there = is_member_there(store, *use);
    if (!is_there) return pass(is_there.error());
    if (*is_there) continue;
    transaction.expect(kinds::instance, record.key, record.version)
        .remove(kinds::instance, record.key);
    ++count;
  }
  if (count == 0) return count;
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  return count;
}

}  // namespace muster
