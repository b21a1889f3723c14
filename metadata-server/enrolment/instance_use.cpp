#include "enrolment/instance_use.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "enrolment/stored_record.hpp"
#include "inventory/objects.hpp"
#include "records/all_records.hpp"
#include "records/pool_member.hpp"
#include "store/kinds.hpp"

namespace muster {

std::string to_json(const InstanceUse& use) {
  return canonical_text({{"instance", use.instance},
                         {"key", use.key},
                         {"cluster", use.cluster},
                         {"node", use.node},
                         {"launchedAt", use.launched_at},
                         {"usedAt", use.used_at}});
}

Result<InstanceUse> parse_instance_use(std::string_view json) {
  const auto value = parse_strict_json("instance record", json);
  if (!value) return pass(value.error());
  InstanceUse use;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("instance", use.instance);
  root.text("key", use.key);
  root.text("cluster", use.cluster);
  root.text("node", use.node);
  root.number("launchedAt", use.launched_at);
  root.number("usedAt", use.used_at);
  static_cast<void>(root.raw("refusedAt", Need::optional));  // of servers before 0.3
  root.close();
  if (!problems.empty()) return fail("instance record", problems);
  return use;
}

Result<FoundInstanceUse> find_instance_use(const Store& store, const std::string& instance) {
  const auto record = store.get(kinds::instance, instance);
  if (!record && record.error().kind == ErrorKind::not_found) return FoundInstanceUse{};
  if (!record) return pass(record.error());
  auto use = as_stored(parse_instance_use(record->value));
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
    const auto use = as_stored(parse_instance_use(record.value));
    if (!use) return pass(use.error());
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
