#include "enrolment/nonces.hpp"

#include <cstring>

#include "pki/signature.hpp"

namespace muster {

namespace {

// The end (the clock's ticks, in this process alone), what makes it one of many, the code.
constexpr std::size_t end_size = sizeof(Nonces::Clock::rep), random_size = 16, code_size = 32;
constexpr std::size_t text_size = end_size + random_size;

}  // namespace

Nonces::Nonces(std::size_t capacity) : capacity_(capacity), key_(random_bytes(32)) {}

std::string Nonces::code_of(std::string_view text) const {
  return hmac_sha256(key_, text);
}

std::string Nonces::issue(Clock::time_point now) const {
  const Clock::rep end = (now + lifetime).time_since_epoch().count();
  std::string text(end_size, '\0');
  std::memcpy(text.data(), &end, end_size);
  text += random_bytes(random_size);
  return base64_encode(text + code_of(text));
}

Nonces::Clock::time_point Nonces::end_of(std::string_view nonce) const {
  const auto bytes = base64_decode(nonce);
  if (!bytes || bytes->size() != text_size + code_size) return Clock::time_point::min();
  const std::string_view text = std::string_view(*bytes).substr(0, text_size);
  if (!equal_secrets(std::string_view(*bytes).substr(text_size), code_of(text)))
    return Clock::time_point::min();
  Clock::rep end = 0;
  std::memcpy(&end, text.data(), end_size);
  return Clock::time_point(Clock::duration(end));
}

bool Nonces::is_good(std::string_view nonce, Clock::time_point now) const {
  if (end_of(nonce) <= now) return false;
  const std::lock_guard lock(mutex_);
  return !used_.contains(std::string(nonce));
}

bool Nonces::take(std::string_view nonce, Clock::time_point now) {
  const auto end = end_of(nonce);
  if (end <= now) return false;
  const std::lock_guard lock(mutex_);
  const auto is_over = [&](const Used& used) { return used.end <= now; };
  while (!in_order_.empty() && (is_over(in_order_.front()) || in_order_.size() >= capacity_)) {
    used_.erase(in_order_.front().nonce);
    in_order_.pop_front();
  }
  if (!used_.emplace(nonce).second) return false;
  in_order_.push_back({std::string(nonce), end});
  return true;
}

std::size_t Nonces::taken() const {
  const std::lock_guard lock(mutex_);
  return used_.size();
}

}  // namespace muster
