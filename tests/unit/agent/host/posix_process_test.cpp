#include "agent/host/posix_process.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace muster;

namespace {

ProcessRequest shell(const std::string& script) {
  ProcessRequest request;
  request.arguments = {"/bin/sh", "-c", script};
  return request;
}

}  // namespace

TEST_CASE("output, error output, input and exit status come through") {
  PosixProcess process;
  auto request = shell("cat; echo wrong >&2; exit 3");
  request.input = std::string(300000, 'x');
  const auto outcome = process.run(request);
  REQUIRE(outcome);
  CHECK(outcome->output.size() == 300000);
  CHECK(outcome->error == "wrong\n");
  CHECK(outcome->exit_status == 3);
}

TEST_CASE("a program that does not read its input ends all the same") {
  PosixProcess process;
  auto request = shell("exit 0");
  request.input = std::string(300000, 'x');
  CHECK(process.run(request)->exit_status == 0);
}

TEST_CASE("a deadline ends the whole process group") {
  PosixProcess process;
  auto request = shell("echo begun; sleep 60 & sleep 60");
  request.timeout = std::chrono::milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = process.run(request);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().kind == ErrorKind::timeout);
  CHECK(outcome.error().message == "'/bin/sh': not finished after 200 ms, killed: begun\n");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("a grandchild that keeps the pipes open does not hold the answer back") {
  PosixProcess process;
  const auto start = std::chrono::steady_clock::now();
  CHECK(process.run(shell("sleep 3 & echo done"))->output == "done\n");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("too much output is refused") {
  PosixProcess process;
  auto request = shell("yes");
  request.output_limit = 1000;
  CHECK(process.run(request).error().message ==
        "'/bin/sh': expected at most 1000 bytes of output, found more");
}

TEST_CASE("nothing is inherited but the environment that was given") {
  PosixProcess process;
  auto request = shell("env | sort; ls /proc/self/fd | wc -l");
  request.environment = {{"NAME", "value"}, {"PATH", "/usr/bin:/bin"}};
  const auto outcome = process.run(request);
  REQUIRE(outcome);
  CHECK(outcome->output.find("NAME=value") != std::string::npos);
  CHECK(outcome->output.find("HOME=") == std::string::npos);
  // stdin, stdout, stderr and ls's own folder.
  CHECK(outcome->output.substr(outcome->output.size() - 2) == "4\n");
}

TEST_CASE("a program ends with its reader, though the agent would not") {
  PosixProcess process;
  const auto outcome = process.run(shell("(yes; echo $? >&2) | head -n 1"));
  REQUIRE(outcome);
  CHECK(outcome->output == "y\n");
  CHECK(outcome->error == "141\n");
}

TEST_CASE("a missing program is not_found") {
  PosixProcess process;
  ProcessRequest request;
  request.arguments = {"/no/such/program"};
  CHECK(process.run(request).error().kind == ErrorKind::not_found);
}
