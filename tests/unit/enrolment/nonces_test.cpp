#include "enrolment/nonces.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

using namespace muster;
using namespace std::chrono_literals;

TEST_CASE("a nonce is 32 bytes, taken once, within its minute") {
  NoncePool pool;
  const auto now = NoncePool::Clock::now();
  const std::string nonce = pool.issue("a", now), late = pool.issue("a", now);
  CHECK(base64_decode(nonce)->size() == 32);
  CHECK(nonce != late);
  CHECK(pool.take(nonce, now + 59s));
  CHECK_FALSE(pool.take(nonce, now + 59s));
  CHECK_FALSE(pool.take(late, now + 60s));
  CHECK_FALSE(pool.take("never issued", now));
  CHECK(pool.size() == 0);
}

TEST_CASE("a flood from one address pushes out its own nonces alone") {
  NoncePool pool(10);
  const auto now = NoncePool::Clock::now();
  const std::string quiet = pool.issue("quiet", now), first = pool.issue("loud", now);
  std::string last;
  for (int i = 0; i < 100; ++i) last = pool.issue("loud", now);
  CHECK(pool.size() == 10);
  CHECK(pool.take(quiet, now));
  CHECK(pool.take(last, now));
  CHECK_FALSE(pool.take(first, now));
}

TEST_CASE("what expired makes room") {
  NoncePool pool(10);
  const auto now = NoncePool::Clock::now();
  for (int i = 0; i < 10; ++i) static_cast<void>(pool.issue("a", now));
  static_cast<void>(pool.issue("b", now + 61s));
  CHECK(pool.size() == 1);
}
