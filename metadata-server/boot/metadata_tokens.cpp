#include "boot/metadata_tokens.hpp"

#include <fmt/format.h>

#include <charconv>

#include "document/problem.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t end_size = 8, code_size = 32;

using Milliseconds = std::chrono::milliseconds;

std::int64_t milliseconds_of(MetadataTokens::Clock::time_point time) {
  return std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count();
}

// Big-endian.
std::string to_bytes(std::int64_t number) {
  std::string bytes(end_size, '\0');
  for (std::size_t i = 0; i < end_size; ++i)
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * (end_size - 1 - i)));
  return bytes;
}

std::int64_t from_bytes(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(number);
}

}  // namespace

Result<std::chrono::seconds> parse_token_lifetime(std::string_view text) {
  std::int64_t seconds = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seconds);
  if (parsed.ec == std::errc() && parsed.ptr == end && seconds >= 1 && seconds <= 21600)
    return std::chrono::seconds(seconds);
  return fail(
      ErrorKind::invalid,
      fmt::format("header X-aws-ec2-metadata-token-ttl-seconds: expected 1 to 21600, found {}",
                  text.empty() ? "none" : in_ticks(text)));
}

MetadataTokens::MetadataTokens(TokenPolicy policy) : policy_(policy), key_(random_bytes(32)) {}

std::string MetadataTokens::issue(std::string_view source, std::chrono::seconds lifetime,
                                  Clock::time_point now) const {
  std::string token = to_bytes(milliseconds_of(now + lifetime));
  token += hmac_sha256(key_, token + std::string(source));
  return base64_encode(token);
}

std::optional<std::chrono::seconds> MetadataTokens::left(std::string_view token,
                                                         std::string_view source,
                                                         Clock::time_point now) const {
  const auto bytes = base64_decode(token);
  if (!bytes || bytes->size() != end_size + code_size) return std::nullopt;
  const std::string end = bytes->substr(0, end_size);
  if (!equal_secrets(bytes->substr(end_size), hmac_sha256(key_, end + std::string(source))))
    return std::nullopt;
  const Milliseconds left(from_bytes(end) - milliseconds_of(now));
  if (left.count() <= 0) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(left);
}

}  // namespace muster
