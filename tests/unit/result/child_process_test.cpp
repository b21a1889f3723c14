#include "result/child_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>

using namespace muster;

namespace {

std::string read_all(const FileDescriptor& from) {
  std::string text;
  std::array<char, 4096> bytes{};
  for (ssize_t got = 0; (got = ::read(from.get(), bytes.data(), bytes.size())) > 0;)
    text.append(bytes.data(), static_cast<std::size_t>(got));
  return text;
}

ChildProgram shell(const std::string& script) {
  ChildProgram program;
  program.arguments = {"/bin/sh", "-c", script};
  return program;
}

// What the script says, and its exit status at the end.
std::string run(ChildProgram program) {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  program.output = pipe->write.get();
  auto child = ChildProcess::start(program);
  REQUIRE(child);
  pipe->write.close();
  const std::string said = read_all(pipe->read);
  pollfd ended{child->ended(), POLLIN, 0};
  CHECK(poll(&ended, 1, 10000) == 1);
  return said + std::to_string(child->wait());
}

}  // namespace

TEST_CASE("a program gets its environment and nothing else of its caller") {
  const FileDescriptor inherited(fcntl(0, F_DUPFD, 50));  // without O_CLOEXEC
  auto program = shell(
      fmt::format("[ -e /proc/$$/fd/{} ] && echo open; echo $A $HOME; exit 3", inherited.get()));
  program.environment = {"A=b", "PATH=/usr/bin:/bin"};
  CHECK(run(program) == "b\n3");
}

TEST_CASE("without an environment of its own it has its caller's") {
  setenv("MUSTER_CHILD", "seen", 1);
  CHECK(run(shell("echo $MUSTER_CHILD")) == "seen\n0");
  unsetenv("MUSTER_CHILD");
}

TEST_CASE("signals that its caller blocks or ignores are a program's own again") {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const auto handler = signal(SIGPIPE, SIG_IGN);
  CHECK(run(shell("kill -TERM $$; echo blocked")) == "143");
  CHECK(run(shell("kill -PIPE $$; echo ignored")) == "141");
  signal(SIGPIPE, handler);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("killing it kills what it started, and so does dropping it") {
  for (const bool is_dropped : {false, true}) {
    auto pipe = make_pipe();
    REQUIRE(pipe);
    auto program = shell("sleep 100 & sleep 100");
    program.output = pipe->write.get();
    {
      auto child = ChildProcess::start(program);
      REQUIRE(child);
      pipe->write.close();
      if (!is_dropped) child->kill();
    }
    // Its end is seen only when nobody holds the other one.
    pollfd closed{pipe->read.get(), POLLIN, 0};
    CHECK(poll(&closed, 1, 10000) == 1);
    CHECK(read_all(pipe->read).empty());
  }
}

TEST_CASE("a program that is not there, or is named without its folder, is refused") {
  ChildProgram program;
  program.arguments = {"/no/such"};
  const auto none = ChildProcess::start(program);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::not_found);
  CHECK(none.error().message == "running '/no/such': No such file or directory");
  program.arguments = {"sh"};
  CHECK(ChildProcess::start(program).error().message == "running 'sh': No such file or directory");
  program.arguments = {};
  CHECK(ChildProcess::start(program).error().message == "running a program: expected its path");
}
