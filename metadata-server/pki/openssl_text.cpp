#include "pki/openssl_text.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstdlib>

namespace muster {

namespace {

// SubjectPublicKeyInfo of RFC 5480 with the named curve P-256, up to the point.
constexpr std::string_view p256_head(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
    26);
constexpr std::size_t point_size = 65;

bool says(const EVP_PKEY* key, const char* parameter, std::string_view wanted) {
  std::array<char, 32> text{};
  std::size_t size = 0;
  return EVP_PKEY_get_utf8_string_param(key, parameter, text.data(), text.size(), &size) == 1 &&
         std::string_view(text.data(), size) == wanted;
}

}  // namespace

std::string p256_point(const EVP_PKEY* key) {
  std::array<unsigned char, point_size> point{};
  std::size_t size = 0;
  const bool is_plain = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
                        says(key, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1") &&
                        says(key, OSSL_PKEY_PARAM_EC_ENCODING, "named_curve") &&
                        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                                        point.size(), &size) == 1 &&
                        size == point_size;
  if (!is_plain) ERR_clear_error();
  return is_plain ? std::string(as_text(point.data(), point_size)) : std::string();
}

std::string public_der(const EVP_PKEY* key) {
  if (const std::string point = p256_point(key); !point.empty())
    return std::string(p256_head) + point;
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) std::abort();
  std::string text(as_text(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return text;
}

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
