#include "records/sealed_text.hpp"

#include "pki/signature.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<std::string> seal_text(const SealingKey& sealing, std::string_view kind,
                              std::string_view key, std::string_view plaintext) {
  auto sealed = sealing.seal(plaintext, kinds::row_name(kind, key));
  if (!sealed) return sealed;
  return base64_encode(*sealed);
}

Result<std::string> open_text(const SealingKey& sealing, std::string_view kind,
                              std::string_view key, std::string_view sealed) {
  const auto bytes = base64_decode(sealed);
  if (!bytes) {
    return fail(ErrorKind::corrupt, fmt::format("{} '{}': {}", kind, key, bytes.error().message));
  }
  return sealing.open(*bytes, kinds::row_name(kind, key));
}

Result<PrivateKey> open_key(const SealingKey& sealing, std::string_view kind, std::string_view key,
                            std::string_view sealed) {
  const auto pem = open_text(sealing, kind, key, sealed);
  if (!pem) return pass(pem.error());
  return PrivateKey::from_pem(*pem);
}

}  // namespace muster
