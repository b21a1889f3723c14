#include "agent/host/posix_filesystem.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "agent/host/account.hpp"
#include "fakes/scratch_folder.hpp"
#include "pki/signature.hpp"

using namespace muster;

namespace {
// Tests need not run as root.
std::string me() {
  return user_name(geteuid());
}
}  // namespace

TEST_CASE("a written file has its content, mode and owner, and leaves no temporary file") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const std::string path = scratch.path() + "/config";
  REQUIRE(files.write(path, "one", 0640, me()));
  REQUIRE(files.write(path, "two", 0600, me()));
  CHECK(files.read(path, 100).value() == "two");
  const auto status = files.status(path).value();
  CHECK(status.mode == 0600);
  CHECK(status.owner == me());
  CHECK(files.list(scratch.path()).value() == std::vector<std::string>{"config"});
  CHECK(files.digest(path).value() == sha256_digest("two"));
}

TEST_CASE("a file that is too big or missing is an error that names it") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const std::string path = scratch.path() + "/big";
  REQUIRE(files.write(path, "12345", 0600, me()));
  CHECK(files.read(path, 4).error().message ==
        "'" + path + "': expected at most 4 bytes, found more");
  CHECK(files.read(scratch.path() + "/none", 4).error().kind == ErrorKind::not_found);
  CHECK(files.write(scratch.path() + "/none/x", "", 0600, me()).error().kind ==
        ErrorKind::not_found);
}

TEST_CASE("an unknown owner is refused before anything is written") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const auto wrote = files.write(scratch.path() + "/x", "", 0600, "nobody-of-this-name");
  REQUIRE_FALSE(wrote);
  CHECK(
      wrote.error().message ==
      "writing '" + scratch.path() +
          "/x': user 'nobody-of-this-name': no such account on this machine; run systemd-sysusers, or name another owner in the document");
  CHECK(files.list(scratch.path()).value().empty());
}

TEST_CASE("appended pieces become a file of its mode") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const std::string path = scratch.path() + "/part";
  REQUIRE(files.append(path, "ab"));
  REQUIRE(files.append(path, "cd"));
  REQUIRE(files.finish(path, 0755, me()));
  CHECK(files.read(path, 100).value() == "abcd");
  CHECK(files.status(path)->mode == 0755);
}

TEST_CASE("folders are made with their parents and again for free") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const std::string path = scratch.path() + "/a/b/c";
  REQUIRE(files.make_directory(path, 0700, me()));
  const auto before = files.status(path)->modified_ns;
  REQUIRE(files.make_directory(path, 0700, me()));
  CHECK(files.status(path)->modified_ns == before);
  CHECK(files.status(path)->mode == 0700);
}

TEST_CASE("a link switches as a whole and removal does not follow it") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const std::string link = scratch.path() + "/current";
  REQUIRE(files.make_directory(scratch.path() + "/v1", 0755, me()));
  REQUIRE(files.link(link, "v1"));
  REQUIRE(files.link(link, "v2"));
  CHECK(files.status(link)->link_target == "v2");
  REQUIRE(files.link(link, "v1"));
  REQUIRE(files.remove(link));
  CHECK(files.status(scratch.path() + "/v1"));
  REQUIRE(files.remove(link));
}

TEST_CASE("a part file is never written through a link") {
  ScratchFolder scratch;
  PosixFilesystem files;
  REQUIRE(files.link(scratch.path() + "/part", scratch.path() + "/elsewhere"));
  CHECK_FALSE(files.append(scratch.path() + "/part", "x"));
  CHECK_FALSE(files.status(scratch.path() + "/elsewhere"));
}
