#include "agent/host/posix_process.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "agent/host/notify.hpp"
#include "result/child_process.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

milliseconds now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + milliseconds(time.tv_nsec / 1'000'000);
}

struct Running {
  ChildProcess process;
  FileDescriptor input, output, error;
};

std::vector<std::string> environment_of(const ProcessRequest& request) {
  auto variables = request.environment;
  variables.emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  variables.emplace("LC_ALL", "C.UTF-8");
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) list.push_back(name + "=" + value);
  return list;
}

Result<Running> start(const ProcessRequest& request) {
  auto input = make_pipe(), output = make_pipe(), error = make_pipe();
  for (const auto* made : {&input, &output, &error}) {
    if (!*made) return pass(made->error());
  }
  ChildProgram program;
  program.arguments = request.arguments;
  program.environment = environment_of(request);
  program.input = input->read.get();
  program.output = output->write.get();
  program.error = error->write.get();
  auto child = ChildProcess::start(program);
  if (!child) return pass(child.error());
  for (const int descriptor : {input->write.get(), output->read.get(), error->read.get()}) {
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }
  return Running{std::move(*child), std::move(input->write), std::move(output->read),
                 std::move(error->read)};
}

// False once the other end is closed.
bool take(FileDescriptor& from, std::string& into) {
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else {
      if (got == 0) from.close();
      return got != 0;
    }
  }
}

void give(FileDescriptor& to, std::string_view& rest) {
  if (!rest.empty()) {
    const ssize_t written = ::write(to.get(), rest.data(), rest.size());
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
    rest = written < 0 ? std::string_view() : rest.substr(static_cast<std::size_t>(written));
  }
  if (rest.empty()) to.close();
}

std::string tail(std::string_view text) {
  constexpr std::size_t shown = 500;
  return std::string(text.size() > shown ? text.substr(text.size() - shown) : text);
}

}  // namespace

Result<ProcessOutcome> PosixProcess::run(const ProcessRequest& request) {
  if (request.arguments.empty() || request.arguments[0].substr(0, 1) != "/") {
    return fail(ErrorKind::internal, "running a program: expected an absolute path");
  }
  // A child that exits before it read all its input must not end the agent.
  static const auto ignored = signal(SIGPIPE, SIG_IGN);
  static_cast<void>(ignored);
  auto child = start(request);
  if (!child) return pass(child.error());
  ProcessOutcome outcome;
  std::string_view rest = request.input;
  const auto deadline = now() + request.timeout;
  for (bool running = true; running;) {
    const auto left = deadline - now();
    if (left.count() <= 0) {
      return fail(ErrorKind::timeout,
                  fmt::format("'{}': not finished after {} ms, killed: {}", request.arguments[0],
                              request.timeout.count(), tail(outcome.error + outcome.output)));
    }
    notify_alive();
    std::array<pollfd, 4> wait{{{child->process.ended(), POLLIN, 0},
                                {child->output.get(), POLLIN, 0},
                                {child->error.get(), POLLIN, 0},
                                {child->input.get(), POLLOUT, 0}}};
    if (poll(wait.data(), wait.size(),
             static_cast<int>(std::min(left, milliseconds(5000)).count())) < 0 &&
        errno != EINTR) {
      return fail_errno(errno, fmt::format("waiting for '{}'", request.arguments[0]));
    }
    if (wait[1].revents != 0) take(child->output, outcome.output);
    if (wait[2].revents != 0) take(child->error, outcome.error);
    if (wait[3].revents != 0) give(child->input, rest);
    // The exit ends it even if a grandchild keeps the pipes open.
    running = wait[0].revents == 0;
    if (outcome.output.size() + outcome.error.size() > request.output_limit) {
      return fail(ErrorKind::exhausted,
                  fmt::format("'{}': expected at most {} bytes of output, found more",
                              request.arguments[0], request.output_limit));
    }
  }
  if (child->output.is_open()) take(child->output, outcome.output);
  if (child->error.is_open()) take(child->error, outcome.error);
  outcome.exit_status = child->process.wait();
  return outcome;
}

}  // namespace muster
