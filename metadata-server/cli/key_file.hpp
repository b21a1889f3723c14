// A private key that stays with its operator: a PEM file that nobody else may read.
#pragma once

#include <string>

#include "pki/private_key.hpp"

namespace muster {

// A new Ed25519 key in a new file of mode 0600, durable when it returns. conflict: `path` is there;
// a key is never overwritten.
[[nodiscard]] Result<PrivateKey> create_key_file(const std::string& path);
// forbidden: others may read it.
[[nodiscard]] Result<PrivateKey> read_key_file(const std::string& path);

}  // namespace muster
