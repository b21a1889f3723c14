#include "pki/openssl_text.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <cstdlib>

namespace muster {

Buffer empty_buffer() {
  Buffer buffer(BIO_new(BIO_s_mem()), BIO_free);
  if (!buffer) std::abort();
  return buffer;
}

Buffer buffer_over(std::string_view text) {
  // OpenSSL refuses an empty memory buffer without a pointer.
  const char* start = text.empty() ? "" : text.data();
  Buffer buffer(BIO_new_mem_buf(start, static_cast<int>(text.size())), BIO_free);
  if (!buffer) std::abort();
  return buffer;
}

std::string content(const Buffer& buffer) {
  const char* start = nullptr;
  const long size = BIO_ctrl(buffer.get(), BIO_CTRL_INFO, 0, &start);
  return start == nullptr ? std::string() : std::string(start, static_cast<std::size_t>(size));
}

tl::unexpected<Error> fail_openssl(ErrorKind kind, std::string_view doing) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string message =
      fmt::format("{}: {}", doing, reason == nullptr ? "OpenSSL gives no reason" : reason);
  ERR_clear_error();
  return fail(kind, std::move(message));
}

}  // namespace muster
