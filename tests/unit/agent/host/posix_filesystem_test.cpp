#include "agent/host/posix_filesystem.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

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

TEST_CASE("a file that is a mount of its own is written in place") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const std::string path = scratch.path() + "/hosts", other = scratch.path() + "/other";
  REQUIRE(files.write(path, "", 0644, me()));
  REQUIRE(files.write(other, "a longer text before\n", 0644, me()));
  if (mount(other.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    std::puts("SKIPPED: a mounted file: needs root");
    return;
  }
  const auto wrote = files.write(path, "short\n", 0644, me());
  CHECK(umount(path.c_str()) == 0);
  REQUIRE(wrote);
  CHECK(files.read(other, 100).value() == "short\n");
  CHECK(files.list(scratch.path()).value() == std::vector<std::string>{"hosts", "other"});
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

TEST_CASE("a folder takes the place of another one, or of none") {
  ScratchFolder scratch;
  PosixFilesystem files;
  const auto path = [&](const std::string& name) { return scratch.path() + "/" + name; };
  for (const char* name : {"new", "old"}) {
    REQUIRE(files.make_directory(path(name), 0755, me()));
    REQUIRE(files.write(path(name) + "/content", name, 0600, me()));
  }
  REQUIRE(files.replace_directory(path("new"), path("old")));
  CHECK(files.read(path("old/content"), 10).value() == "new");
  REQUIRE(files.replace_directory(path("old"), path("fresh")));
  CHECK(files.read(path("fresh/content"), 10).value() == "new");
  CHECK(files.list(scratch.path()).value() == std::vector<std::string>{"fresh"});
  CHECK(files.replace_directory(path("none"), path("fresh")).error().kind == ErrorKind::not_found);
}

namespace {

// In a mount namespace of its own, on an overlay whose lower layer has "there/content". Answers
// what then lies at "there/content", or why not.
std::string replace_on_overlay(const ScratchFolder& scratch) {
  const auto path = [&](const std::string& name) { return scratch.path() + "/" + name; };
  const std::string options = "lowerdir=" + path("lower") + ",upperdir=" + path("upper") +
                              ",workdir=" + path("work") + ",redirect_dir=off";
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("overlay", path("root").c_str(), "overlay", 0, options.c_str()) != 0) {
    return "no overlay";
  }
  PosixFilesystem files;
  const std::string there = path("root/there");
  // What makes it a case: the kernel refuses to rename the folder of a lower layer.
  if (::rename(there.c_str(), path("root/away").c_str()) == 0) return "expected EXDEV";
  auto made = files.make_directory(path("root/new"), 0755, "root");
  if (made) made = files.write(path("root/new/content"), "new", 0600, "root");
  if (made) made = files.replace_directory(path("root/new"), there);
  if (!made) return made.error().message;
  if (files.list(path("root")).value() != std::vector<std::string>{"there"}) return "leftovers";
  return files.read(there + "/content", 10).value_or("unreadable");
}

}  // namespace

TEST_CASE("a folder of an overlay's lower layer is replaced where it cannot be renamed") {
  if (geteuid() != 0) {
    std::puts("SKIPPED: a folder of an overlay: needs root, who may mount one");
    return;
  }
  ScratchFolder scratch;
  for (const char* name : {"lower/there", "upper", "work", "root"}) {
    std::filesystem::create_directories(scratch.path() + "/" + name);
  }
  std::ofstream(scratch.path() + "/lower/there/content") << "old";
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string said = replace_on_overlay(scratch);
    _exit(write(ends[1], said.data(), said.size()) < 0 ? 1 : 0);
  }
  close(ends[1]);
  std::string said(200, '\0');
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(ends[0], said.data(), 200))));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (said == "no overlay") {
    std::puts("SKIPPED: a folder of an overlay: this machine mounts none here");
    return;
  }
  CHECK(said == "new");
}
