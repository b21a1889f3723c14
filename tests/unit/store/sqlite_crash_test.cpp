// A server killed in the middle of its commits, and one whose disk is full. Both run in a child
// process: a kill cannot be undone, and a limit on file sizes would hit doctest too.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "fakes/scratch_folder.hpp"
#include "store/sqlite_store.hpp"

namespace muster {

namespace {
using Mode = SqliteStore::OpenMode;

// Runs `body` in a child; its result is the child's exit status.
pid_t start_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  return child;
}

// Commits pairs for ever; writes each number to `acknowledged` after its commit returned.
int commit_for_ever(const std::string& path, int acknowledged) {
  auto store = SqliteStore::open(path, Mode::must_exist);
  if (!store) return 1;
  auto last = (*store)->get("m", "a");
  std::uint64_t n = last ? std::stoull(last->value) : 0;
  while (true) {
    const std::string text = fmt::format("{}", ++n);
    // Large enough to span pages, so that a torn commit would show.
    if (!(*store)->commit(Transaction()
                              .put("m", "a", text)
                              .put("m", "pad", std::string(9000, 'p'))
                              .put("m", "b", text))) {
      return 2;
    }
    if (::write(acknowledged, &n, sizeof n) != sizeof n) return 3;
  }
}
}  // namespace

TEST_CASE("kill -9 in the middle of commits loses none that was acknowledged and tears none") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  REQUIRE(SqliteStore::open(path, Mode::create_if_missing));
  std::uint64_t last_acknowledged = 0;
  for (int round = 0; round < 20; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
    const pid_t child = start_child([&] { return commit_for_ever(path, pipe_ends[1]); });
    ::close(pipe_ends[1]);
    // Wait for a first commit, then let it run on for a different moment each round.
    REQUIRE(::read(pipe_ends[0], &last_acknowledged, sizeof last_acknowledged) ==
            sizeof last_acknowledged);
    ::usleep(static_cast<useconds_t>(500 + 701 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    std::uint64_t number = 0;
    while (::read(pipe_ends[0], &number, sizeof number) == sizeof number)
      last_acknowledged = number;
    ::close(pipe_ends[0]);

    auto store = SqliteStore::open(path, Mode::must_exist);
    REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().message));
    const auto a = (*store)->get("m", "a");
    const auto b = (*store)->get("m", "b");
    REQUIRE(a);
    REQUIRE(b);
    CHECK(a->value == b->value);
    CHECK(a->version == b->version);
    CHECK(std::stoull(a->value) >= last_acknowledged);
    CHECK(std::stoull(a->value) <= last_acknowledged + 1);
  }
}

TEST_CASE("a full disk refuses the commit, keeps what was there, and goes on when it can") {
  const ScratchFolder folder;
  const pid_t child = start_child([&] {
    if (::unshare(CLONE_NEWNS) != 0) return 77;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) return 77;
    auto store = SqliteStore::open(folder.path("muster.db"), Mode::create_if_missing);
    if (!store || !(*store)->commit(Transaction().put("m", "first", "kept"))) return 1;
    const auto refused = (*store)->commit(
        Transaction().put("m", "a", "1").put("m", "big", std::string(2 << 20, 'x')));
    if (refused || refused.error().kind != ErrorKind::exhausted) return 2;
    if (refused.error().message.find(
            "database or disk is full; no space is left (ENOSPC) for '" + folder.path("muster.db") +
            "' or a file beside it: free some there, nothing was written") == std::string::npos) {
      return 3;
    }
    if ((*store)->get("m", "a") || (*store)->get("m", "first")->value != "kept") return 4;
    if (!(*store)->commit(Transaction().put("m", "small", "fits"))) return 5;
    return 0;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    MESSAGE("no mount namespace allowed here: only the file size limit below was tried");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a copy for which there is no room names its file, and leaves nothing") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db"), copy = folder.path("copy");
  const pid_t child = start_child([&] {
    auto store = SqliteStore::open(path, Mode::create_if_missing);
    if (!store || !(*store)->commit(Transaction().put("m", "big", std::string(2 << 20, 'x'))))
      return 1;
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{128 * 1024, 128 * 1024};
    if (::setrlimit(RLIMIT_FSIZE, &full) != 0) return 2;
    const auto refused = (*store)->back_up(copy);
    if (refused) return 3;
    const std::string& told = refused.error().message;
    if (told.find("not an error") != std::string::npos) return 4;
    if (told.find(": copying: disk I/O error; '" + copy + ".new' or a file beside it") ==
        std::string::npos)
      return 5;
    for (const char* end : {"", ".new", ".new-journal"})
      if (::access((copy + end).c_str(), F_OK) == 0) return 6;
    return 0;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a write that the file size limit refuses leaves the store as it was") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  const pid_t child = start_child([&] {
    auto store = SqliteStore::open(path, Mode::create_if_missing);
    if (!store || !(*store)->commit(Transaction().put("m", "first", "kept"))) return 1;
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit full{128 * 1024, limit.rlim_max};
    if (::setrlimit(RLIMIT_FSIZE, &full) != 0) return 2;
    const auto refused = (*store)->commit(
        Transaction().put("m", "a", "1").put("m", "big", std::string(1 << 20, 'x')));
    if (refused) return 3;
    if (refused.error().kind != ErrorKind::exhausted && refused.error().kind != ErrorKind::io)
      return 4;
    if ((*store)->get("m", "a") || (*store)->get("m", "first")->value != "kept") return 5;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 6;
    if (!(*store)->commit(Transaction().put("m", "big", std::string(1 << 20, 'x')))) return 7;
    return 0;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  const auto store = SqliteStore::open(path, Mode::must_exist);
  REQUIRE(store);
  CHECK((*store)->get("m", "big")->value.size() == 1 << 20);
}

}  // namespace muster
