#include "document/release_version.hpp"

#include <doctest/doctest.h>

#include <cstddef>

using muster::compare_versions;

TEST_CASE("versions compare by number, pre-releases before the release") {
  const char* const ascending[] = {"1.0~rc1",
                                   "1.0",
                                   "1.2",
                                   "1.9",
                                   "1.10",
                                   "1.36.0-alpha.2",
                                   "1.36.0-rc.1",
                                   "1.36.0-rc.10",
                                   "1.36.0",
                                   "1.36.0-1",
                                   "1.36.0.1",
                                   "99999999999999999999999",
                                   "100000000000000000000000"};
  const std::size_t count = sizeof ascending / sizeof *ascending;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      CAPTURE(ascending[i]);
      CAPTURE(ascending[j]);
      const int order = compare_versions(ascending[i], ascending[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
  }
  CHECK(compare_versions("1.02", "1.2") == 0);
}
