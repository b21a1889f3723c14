// Who is banned: a machine's name, kind "ban", key "<cluster>/<node>", and each key that it was
// known by, kind "banned-key", key the fingerprint, value that name. Rows of their own, so that
// nothing that takes the machine's record away lifts its ban: `muster unban` alone does. With its
// cluster the ban of the name ends, since the next cluster of that name has other machines; its
// keys stay barred from the whole site until `muster unban NAME --cluster CLUSTER`, which needs
// neither. What a machine says of its hardware is no authority, and bars nobody.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace muster {

struct BanRecord {
  std::string reason, by;  // "operator anna"
  std::int64_t since = 0;  // Unix seconds; 0: by a server before 0.3
};
[[nodiscard]] std::string to_json(const BanRecord& record);
[[nodiscard]] Result<BanRecord> parse_ban_record(std::string_view json);

// That it is there bans, also where it cannot be read: then it says nothing.
[[nodiscard]] Result<std::optional<BanRecord>> find_ban(const Store& store,
                                                        const std::string& cluster,
                                                        const std::string& node);
// By node. Cost: that cluster's bans.
[[nodiscard]] Result<std::map<std::string, BanRecord>> list_bans(const Store& store,
                                                                 const std::string& cluster);
// Their names, sorted.
[[nodiscard]] Result<std::vector<std::string>> banned_machines(const Store& store,
                                                               const std::string& cluster);
// "<cluster>/<node>", as which it was banned.
[[nodiscard]] Result<std::optional<std::string>> find_banned_key(const Store& store,
                                                                 std::string_view fingerprint);
// corrupt: the row of a key names no machine.
[[nodiscard]] Result<void> check_banned_key(std::string_view value);

void put_ban(const std::string& cluster, const std::string& node, const BanRecord& record,
             const std::vector<std::string>& keys, Transaction& transaction);
// Whether there was anything: of the name, or of a key. Cost: the site's banned keys.
[[nodiscard]] Result<bool> remove_ban(const Store& store, const std::string& cluster,
                                      const std::string& node, Transaction& transaction);
// The commit fails with conflict where the name or the key was banned since it was looked at.
void expect_not_banned(const std::string& cluster, const std::string& node, std::string_view key,
                       Transaction& transaction);

}  // namespace muster
