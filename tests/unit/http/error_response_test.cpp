#include "http/error_response.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {
const Error failure{ErrorKind::io, "writing '/var/lib/muster-server/x': No space left on device"};
}

TEST_CASE("what went wrong inside is told to operators, and to others under a request id only") {
  const auto hidden = error_response(failure, "r1");
  CHECK(hidden.status == 500);
  CHECK(hidden.body ==
        R"({"kind":"io","message":"the server failed; its log says why under this request's id",)"
        R"("requestId":"r1"})");
  CHECK(error_response(failure, "r1", Reason::told).body ==
        R"({"kind":"io","message":"writing '/var/lib/muster-server/x': No space left on device",)"
        R"("requestId":"r1"})");
}

TEST_CASE("every other message is for whoever asked") {
  const auto refused = error_response({ErrorKind::conflict, "taken"}, "r2");
  CHECK(refused.status == 409);
  CHECK(refused.body == R"({"kind":"conflict","message":"taken","requestId":"r2"})");
  CHECK(refused.headers.empty());
}

TEST_CASE("who should come again is told when") {
  for (const auto kind : {ErrorKind::exhausted, ErrorKind::unavailable}) {
    const auto response = error_response({kind, "later"}, "r3");
    REQUIRE(response.headers.size() == 1);
    CHECK(response.headers[0].first == "Retry-After");
  }
}
