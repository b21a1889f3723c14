#include "pki/unix_seconds.hpp"

#include <doctest/doctest.h>

using namespace muster;
using namespace std::chrono;

TEST_CASE("times that others wrote can be reckoned with") {
  const auto later = to_time_point(sys_days(year(9999) / 12 / 31));
  CHECK(unix_seconds(later) == 7258118400);  // 2200-01-01
  CHECK(later + hours(24 * 400) > later);
  CHECK(TimePoint() - later < seconds(0));
  CHECK(to_time_point(sys_days(year(0) / 1 / 1)) == TimePoint());
  CHECK(unix_seconds(to_time_point(sys_seconds(seconds(1'795'241'403)))) == 1'795'241'403);
}
