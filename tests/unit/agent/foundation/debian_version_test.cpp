#include "agent/foundation/debian_version.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("versions are ordered as dpkg orders them") {
  // Each is older than the next; dpkg --compare-versions says the same.
  const char* ascending[] = {"0~~",           "0~",       "0",      "0.1~rc1-1", "0.1-1",
                             "0.1-1+deb12u1", "0.1-1.1",  "0.1-2",  "0.1a-1",    "0.1+dfsg-1",
                             "0.2~bpo12+1",   "0.2",      "0.9",    "0.10",      "1.0-1",
                             "1.0-1a",        "1.0-1+b1", "1.0-10", "1.0a-1",    "1.0-a-1",
                             "1.0.0-1",       "2",        "1:0.1",  "1:0.1-1",   "2:0~"};
  const char* const* end = std::end(ascending);
  for (const char* const* one = std::begin(ascending); one != end; ++one) {
    CHECK(compare_debian_versions(*one, *one) == 0);
    for (const char* const* other = one + 1; other != end; ++other) {
      CAPTURE(*one);
      CAPTURE(*other);
      CHECK(compare_debian_versions(*one, *other) < 0);
      CHECK(compare_debian_versions(*other, *one) > 0);
    }
  }
}

TEST_CASE("what is written in two ways is one version") {
  CHECK(compare_debian_versions("0:1.0-1", "1.0-1") == 0);
  CHECK(compare_debian_versions("1.00-01", "1.0-1") == 0);
  CHECK(compare_debian_versions("1.0-0", "1.0") == 0);
  CHECK(compare_debian_versions("20200101000000000000000001", "20200101000000000000000002") < 0);
}
