// What a machine is served in place of its document once its cluster, or its place in it, has
// ended. Format: document/README.md, "Tombstone".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "document/on_delete.hpp"
#include "result/result.hpp"

namespace muster {

inline constexpr std::string_view tombstone_type = "application/vnd.muster.tombstone.v1+json";

// It binds a machine's identity key: a machine that later gets the same name in a cluster of the
// same name has another key, and none of it ever means that one.
struct Tombstone {
  std::string site, cluster, node;
  std::string identity;       // fingerprint of the machine's public key, "sha256:..."
  std::int64_t ended_at = 0;  // Unix seconds
  OnDelete on_delete = OnDelete::poweroff;
};

[[nodiscard]] std::string to_canonical_json(const Tombstone& tombstone);
[[nodiscard]] Result<Tombstone> parse_tombstone(std::string_view json);

}  // namespace muster
