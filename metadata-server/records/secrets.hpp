// Secrets of a cluster: kind "secret", one record per version, sealed and bound to its row. Values
// never appear in a message or an audit row. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/own_secrets.hpp"
#include "pki/certificate.hpp"
#include "pki/sealed_box.hpp"
#include "store/store.hpp"

namespace muster {

inline constexpr std::size_t maximum_secret_size = 256u << 10;  // bytes

// Whether a record of kind "secret" can be read; what it seals is not looked at.
[[nodiscard]] Result<void> check_secret_record(std::string_view json);

struct SecretInfo {
  std::string cluster, name;
  std::uint64_t version = 0;    // the newest
  std::int64_t created_at = 0;  // of that version, Unix seconds
};

// A new version; the same value again changes nothing. Returns the newest version. Machines get it
// with the next apply, whose documents name it. It may come before the cluster's first publication;
// conflict "cluster_ended": the cluster that there was ended meanwhile; unavailable: one has just.
[[nodiscard]] Result<std::uint64_t> set_secret(Store& store, const SealingKey& sealing,
                                               const std::string& cluster, const std::string& name,
                                               std::string_view value, std::string_view actor,
                                               TimePoint now);
// Adds the removal of all its versions; nothing where there is none (publish/secret_removal). A
// later set_secret goes on counting, so that a machine never takes an old value for the new one.
[[nodiscard]] Result<void> add_secret_removal(const Store& store, const std::string& cluster,
                                              const std::string& name, std::string_view actor,
                                              TimePoint now, Transaction& transaction);
// not_found: no such version.
[[nodiscard]] Result<std::string> get_secret(const Store& store, const SealingKey& sealing,
                                             const std::string& cluster, const std::string& name,
                                             std::uint64_t version);
// The version of its record, which moves when the secret is removed. not_found: no such version.
[[nodiscard]] Result<std::uint64_t> find_secret_version(const Store& store,
                                                        const std::string& cluster,
                                                        const std::string& name,
                                                        std::uint64_t version);
// By cluster and name; an empty cluster means all.
[[nodiscard]] Result<std::vector<SecretInfo>> list_secrets(const Store& store,
                                                           const std::string& cluster = {});
// Adds version 1 of a secret of a cluster that is being made; fails at commit where it exists.
[[nodiscard]] Result<void> create_secret(const SealingKey& sealing, const std::string& cluster,
                                         std::string_view name, std::string_view value,
                                         TimePoint now, Transaction& transaction);

}  // namespace muster
