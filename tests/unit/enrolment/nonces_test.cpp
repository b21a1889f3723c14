#include "enrolment/nonces.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

using namespace muster;
using namespace std::chrono_literals;

TEST_CASE("a nonce is taken once, within its minute") {
  Nonces nonces;
  const auto now = Nonces::Clock::now();
  const std::string nonce = nonces.issue(now), late = nonces.issue(now);
  CHECK(base64_decode(nonce)->size() == 56);
  CHECK(nonce != late);
  CHECK(nonces.is_good(nonce, now + 59s));
  CHECK(nonces.take(nonce, now + 59s));
  CHECK_FALSE(nonces.is_good(nonce, now + 59s));
  CHECK_FALSE(nonces.take(nonce, now + 59s));
  CHECK_FALSE(nonces.is_good(late, now + 60s));
  CHECK_FALSE(nonces.take(late, now + 60s));
}

TEST_CASE("what this server did not make is no nonce") {
  Nonces nonces, other;
  const auto now = Nonces::Clock::now();
  CHECK_FALSE(nonces.take("never issued", now));
  CHECK_FALSE(nonces.take("", now));
  CHECK_FALSE(nonces.take(base64_encode(std::string(32, 'a')), now));
  CHECK_FALSE(nonces.take(other.issue(now), now));
  std::string bytes = *base64_decode(nonces.issue(now));
  for (const std::size_t at : {0UL, 7UL, 8UL, 23UL, 24UL, 55UL}) {
    std::string altered = bytes;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    CHECK_FALSE(nonces.take(base64_encode(altered), now));
  }
  CHECK(nonces.take(base64_encode(bytes), now));
}

TEST_CASE("a flood of questions from thousands of sources costs nobody a nonce") {
  Nonces nonces;
  const auto now = Nonces::Clock::now();
  const std::string victim = nonces.issue(now);
  for (int i = 0; i < 10000; ++i) static_cast<void>(nonces.issue(now));
  CHECK(nonces.taken() == 0);
  CHECK(nonces.take(victim, now));
}

TEST_CASE("used ones are remembered while they might be used again, within a bound") {
  Nonces nonces(10);
  const auto now = Nonces::Clock::now();
  for (int i = 0; i < 25; ++i) CHECK(nonces.take(nonces.issue(now), now));
  CHECK(nonces.taken() == 10);
  CHECK(nonces.take(nonces.issue(now + 61s), now + 61s));
  CHECK(nonces.taken() == 1);
}
