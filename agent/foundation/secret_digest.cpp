#include "agent/foundation/secret_digest.hpp"

#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t key_size = 32;  // bytes; in hexadecimal digits on the disk

}  // namespace

Result<void> check_secret_digest_key(std::string_view text) {
  const bool is_hex = text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (is_hex && text.size() == 2 * key_size) return {};
  return fail(ErrorKind::corrupt, fmt::format("expected {} hexadecimal digits, found {} bytes",
                                              2 * key_size, text.size()));
}

std::string secret_digest_key(const Filesystem& files) {
  auto text = files.read(paths::secret_digest_key, 4 * key_size);
  return text && check_secret_digest_key(*text) ? std::move(*text) : std::string();
}

Result<std::string> make_secret_digest_key(Filesystem& files) {
  std::string key = secret_digest_key(files);
  if (!key.empty()) return key;
  key = hex_encode(random_bytes(key_size));
  if (auto made = files.make_directory(paths::state, paths::state_mode); !made)
    return pass(made.error());
  if (auto wrote = files.write(paths::secret_digest_key, key, 0600); !wrote) {
    return pass(wrote.error());
  }
  return key;
}

// The path is in it: equal secrets in two places do not look equal.
std::string secret_digest(std::string_view key, const SecretReference& secret,
                          std::string_view content) {
  const std::string message = fmt::format("{}\n{}\n{}", secret.path, secret.version, content);
  return fmt::format("{} {}", secret.version, hex_encode(hmac_sha256(key, message)));
}

}  // namespace muster
