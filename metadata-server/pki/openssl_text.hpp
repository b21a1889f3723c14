// The edge between OpenSSL's C interface and ours: bytes, memory buffers, its error queue. For the
// files of this room only.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

[[nodiscard]] inline const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
[[nodiscard]] inline unsigned char* as_bytes(char* text) {
  return reinterpret_cast<unsigned char*>(text);
}
[[nodiscard]] inline std::string_view as_text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

using Buffer = std::unique_ptr<BIO, int (*)(BIO*)>;
[[nodiscard]] Buffer empty_buffer();
// Reads `text` in place: it must outlive the buffer.
[[nodiscard]] Buffer buffer_over(std::string_view text);
[[nodiscard]] std::string content(const Buffer& buffer);

// The public key as DER SubjectPublicKeyInfo. Of P-256, which nearly all keys are, without
// OpenSSL's encoders: those of 3.0 look through everything that they could encode, each time.
[[nodiscard]] std::string public_der(const EVP_PKEY* key);
// Of a key of P-256 its uncompressed point; empty of any other, and where it was encoded otherwise.
[[nodiscard]] std::string p256_point(const EVP_PKEY* key);

// "doing: OpenSSL's reason", and the queue is empty afterwards.
[[nodiscard]] tl::unexpected<Error> fail_openssl(ErrorKind kind, std::string_view doing);

}  // namespace muster
