// What the checkpoint keeps of a secret, so that one that was changed on the disk is seen: an HMAC
// with a random key of the machine's own. A plain digest would let whoever reads a copy of the
// checkpoint try passwords; the key is beside it and in no copy that is given away.
#pragma once

#include <string>
#include <string_view>

#include "agent/host/host.hpp"
#include "document/node_document.hpp"

namespace muster {

// paths::secret_digest_key; empty: there is none yet, or it is damaged.
[[nodiscard]] std::string secret_digest_key(const Filesystem& files);
// The same, made where there is none.
[[nodiscard]] Result<std::string> make_secret_digest_key(Filesystem& files);
[[nodiscard]] Result<void> check_secret_digest_key(std::string_view text);

// "2 HEX": of this version's content, with this key.
[[nodiscard]] std::string secret_digest(std::string_view key, const SecretReference& secret,
                                        std::string_view content);

}  // namespace muster
