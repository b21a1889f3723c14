#include "http/error_response.hpp"

#include <doctest/doctest.h>

#include <set>
#include <thread>

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

TEST_CASE("no two requests have one id, whichever threads they are on") {
  std::vector<std::string> here, there;
  const auto make = [](std::vector<std::string>& into) {
    for (int i = 0; i < 100; ++i) into.push_back(make_request_id());
  };
  std::thread other(make, std::ref(there));
  make(here);
  other.join();
  std::set<std::string> all(here.begin(), here.end());
  all.insert(there.begin(), there.end());
  CHECK(all.size() == 200);
  for (const auto& id : all) {
    CHECK_MESSAGE(id.find_first_not_of("0123456789abcdef") == std::string::npos, id);
    CHECK(id.size() == 16);
  }
}

TEST_CASE("those who are turned away together are told to come back at different times") {
  std::set<std::string> times;
  for (int i = 0; i < 200; ++i) {
    times.insert(error_response({ErrorKind::unavailable, "later"}, "r").headers[0].second);
  }
  std::set<std::string> expected;
  for (int seconds = 5; seconds <= 15; ++seconds) expected.insert(std::to_string(seconds));
  CHECK(times == expected);
}

TEST_CASE("who should come again is told when") {
  for (const auto kind : {ErrorKind::exhausted, ErrorKind::unavailable}) {
    const auto response = error_response({kind, "later"}, "r3");
    REQUIRE(response.headers.size() == 1);
    CHECK(response.headers[0].first == "Retry-After");
  }
}
