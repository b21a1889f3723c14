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

// "doing: OpenSSL's reason", and the queue is empty afterwards.
[[nodiscard]] tl::unexpected<Error> fail_openssl(ErrorKind kind, std::string_view doing);

}  // namespace muster
