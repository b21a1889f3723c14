// That an EC2 instance was let in, so that its identity document counts once: kind "instance", key
// the instance id. Kept until its member is gone and the document is too old for anybody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "enrolment/enrolment_context.hpp"
#include "result/result.hpp"
#include "store/store.hpp"

namespace muster {

struct InstanceUse {
  std::string instance;          // "i-0abc..."
  std::string key;               // fingerprint of the key that it was let in with
  std::string cluster, node;     // as which member; empty: the record could not be read
  std::int64_t launched_at = 0;  // Unix seconds, by the document
  std::int64_t used_at = 0;
};
[[nodiscard]] std::string to_json(const InstanceUse& use);
[[nodiscard]] Result<InstanceUse> parse_instance_use(std::string_view json);

struct FoundInstanceUse {
  InstanceUse use;
  std::uint64_t version = 0;  // 0: it was never used, `use` is empty
};
[[nodiscard]] Result<FoundInstanceUse> find_instance_use(const Store& store,
                                                         const std::string& instance);
// Guards by the version that was found, and writes.
void put_instance_use(const FoundInstanceUse& found, Transaction& transaction);

// The member that the instance was let in as is there, with the same key.
[[nodiscard]] Result<bool> is_member_there(const Store& store, const InstanceUse& use);

// Forgets the uses whose member is gone and whose document is past longest_instance_age, and begins
// those anew that cannot be read. Returns how many. Cost: all uses. conflict: somebody enrolled
// meanwhile, ask again. Idempotent.
[[nodiscard]] Result<std::size_t> collect_instance_uses(Store& store, std::int64_t now);

}  // namespace muster
