#include "pki/signature.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "pki/openssl_text.hpp"

namespace muster {

namespace {

constexpr std::string_view digest_prefix = "sha256:";

constexpr unsigned no_letter = 64;

// The value of each letter, by its byte.
constexpr auto base64_values = [] {
  std::array<unsigned char, 256> values{};
  values.fill(no_letter);
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < letters.size(); ++i)
    values[static_cast<unsigned char>(letters[i])] = static_cast<unsigned char>(i);
  return values;
}();

unsigned base64_value(char c) {
  return base64_values[static_cast<unsigned char>(c)];
}

}  // namespace

std::string sha256_digest(std::string_view bytes) {
  // Looked up once: a publication takes the digest of each machine's input, and a lookup costs as
  // much as that. It is the process's for as long as it lives.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  if (EVP_Digest(as_bytes(bytes), bytes.size(), hash.data(), nullptr, algorithm, nullptr) != 1)
    std::abort();
  return std::string(digest_prefix) + hex_encode(as_text(hash.data(), hash.size()));
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> code{};
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(message),
           message.size(), code.data(), nullptr) == nullptr)
    std::abort();
  return std::string(as_text(code.data(), code.size()));
}

DigestStream::DigestStream() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  // Only a broken installation of OpenSSL lacks SHA-256 or the memory for its state.
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) std::abort();
}

void DigestStream::update(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) std::abort();
}

std::string DigestStream::finish() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  if (EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) != 1) std::abort();
  return std::string(digest_prefix) + hex_encode(as_text(hash.data(), hash.size()));
}

bool is_digest(std::string_view text) {
  if (text.size() != digest_prefix.size() + 64 || !text.starts_with(digest_prefix)) return false;
  text.remove_prefix(digest_prefix.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string base64_encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(as_bytes(text.data()), as_bytes(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0)
    return fail(
        ErrorKind::invalid,
        fmt::format("base64: expected a length that is a multiple of 4, found {} characters",
                    text.size()));
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::string_view letters = text.substr(0, text.size() - padding);
  const auto stranger = std::find_if(letters.begin(), letters.end(),
                                     [](char c) { return base64_value(c) == no_letter; });
  if (stranger != letters.end())
    return fail(ErrorKind::invalid, fmt::format("base64: unexpected character at offset {}",
                                                stranger - letters.begin()));
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  unsigned bits = 0;
  unsigned count = 0;
  for (const char letter : letters) {
    bits = (bits << 6 | base64_value(letter)) & 0xffffU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xffU));
  }
  // Two texts for the same bytes would let a signed or compared text be changed without a trace.
  if ((bits & ((1U << count) - 1U)) != 0)
    return fail(ErrorKind::invalid, "base64: the last character has bits that belong to no byte");
  return bytes;
}

std::string hex_encode(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(digits[byte >> 4U]);
    text.push_back(digits[byte & 15U]);
  }
  return text;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(as_bytes(bytes.data()), static_cast<int>(count)) != 1) std::abort();
  return bytes;
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace muster
