#include "result/result.hpp"

#include <doctest/doctest.h>

#include <cerrno>

namespace muster {

TEST_CASE("kinds have stable wire names") {
  CHECK(name(ErrorKind::invalid) == "invalid");
  CHECK(name(ErrorKind::not_found) == "not_found");
  CHECK(name(ErrorKind::conflict) == "conflict");
  CHECK(name(ErrorKind::unauthenticated) == "unauthenticated");
  CHECK(name(ErrorKind::forbidden) == "forbidden");
  CHECK(name(ErrorKind::exhausted) == "exhausted");
  CHECK(name(ErrorKind::unavailable) == "unavailable");
  CHECK(name(ErrorKind::timeout) == "timeout");
  CHECK(name(ErrorKind::io) == "io");
  CHECK(name(ErrorKind::corrupt) == "corrupt");
  CHECK(name(ErrorKind::internal) == "internal");
}

TEST_CASE("context keeps the kind and says what was being done") {
  const Error error{ErrorKind::corrupt, "expected 32 bytes, found 3"};
  const Result<int> failed = while_doing(error, "reading '/x'");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == ErrorKind::corrupt);
  CHECK(failed.error().message == "reading '/x': expected 32 bytes, found 3");
}

TEST_CASE("an operating system error gets the kind that a caller can branch on") {
  const auto kind_of = [](int number) { return fail_errno(number, "x").value().kind; };
  CHECK(kind_of(ENOENT) == ErrorKind::not_found);
  CHECK(kind_of(EACCES) == ErrorKind::forbidden);
  CHECK(kind_of(EEXIST) == ErrorKind::conflict);
  CHECK(kind_of(ENOSPC) == ErrorKind::exhausted);
  CHECK(kind_of(ECONNREFUSED) == ErrorKind::unavailable);
  CHECK(kind_of(ETIMEDOUT) == ErrorKind::timeout);
  CHECK(kind_of(EIO) == ErrorKind::io);
  CHECK(fail_errno(ENOENT, "opening '/x'").value().message ==
        "opening '/x': No such file or directory");
}

}  // namespace muster
