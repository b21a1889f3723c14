#include "agent/host/posix_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "agent/host/notify.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

milliseconds now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + milliseconds(time.tv_nsec / 1'000'000);
}

struct Pipe {
  FileDescriptor read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

struct Child {
  pid_t pid = -1;
  FileDescriptor exit, input, output, error;
};

std::vector<std::string> environment_of(const ProcessRequest& request) {
  auto variables = request.environment;
  variables.emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  variables.emplace("LC_ALL", "C.UTF-8");
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) list.push_back(name + "=" + value);
  return list;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

Result<Child> spawn(const ProcessRequest& request) {
  auto input = make_pipe(), output = make_pipe(), error = make_pipe();
  for (const auto* made : {&input, &output, &error}) {
    if (!*made) return pass(made->error());
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input->read.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, output->write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, error->write.get(), 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none, pipes;
  sigemptyset(&none);
  sigemptyset(&pipes);
  sigaddset(&pipes, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  // The agent ignores it; a program expects to end with its reader.
  posix_spawnattr_setsigdefault(&attributes, &pipes);
  auto arguments = request.arguments;
  auto environment = environment_of(request);
  auto argument_list = pointers(arguments), environment_list = pointers(environment);
  Child child;
  const int failed = posix_spawn(&child.pid, argument_list.front(), &actions, &attributes,
                                 argument_list.data(), environment_list.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return fail_errno(failed, fmt::format("running '{}'", request.arguments[0]));
  child.exit = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  child.input = std::move(input->write);
  child.output = std::move(output->read);
  child.error = std::move(error->read);
  for (const int descriptor : {child.input.get(), child.output.get(), child.error.get()}) {
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }
  return child;
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

int exit_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void kill_group(pid_t pid) {
  kill(-pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace

Result<ProcessOutcome> PosixProcess::run(const ProcessRequest& request) {
  if (request.arguments.empty() || request.arguments[0].substr(0, 1) != "/") {
    return fail(ErrorKind::internal, "running a program: expected an absolute path");
  }
  // A child that exits before it read all its input must not end the agent.
  static const auto ignored = signal(SIGPIPE, SIG_IGN);
  static_cast<void>(ignored);
  auto child = spawn(request);
  if (!child) return pass(child.error());
  ProcessOutcome outcome;
  std::string_view rest = request.input;
  const auto deadline = now() + request.timeout;
  for (bool running = true; running;) {
    const auto left = deadline - now();
    if (left.count() <= 0) {
      kill_group(child->pid);
      return fail(ErrorKind::timeout,
                  fmt::format("'{}': not finished after {} ms, killed: {}", request.arguments[0],
                              request.timeout.count(), tail(outcome.error + outcome.output)));
    }
    notify_alive();
    std::array<pollfd, 4> wait{{{child->exit.get(), POLLIN, 0},
                                {child->output.get(), POLLIN, 0},
                                {child->error.get(), POLLIN, 0},
                                {child->input.get(), POLLOUT, 0}}};
    if (poll(wait.data(), wait.size(),
             static_cast<int>(std::min(left, milliseconds(5000)).count())) < 0 &&
        errno != EINTR) {
      kill_group(child->pid);
      return fail_errno(errno, fmt::format("waiting for '{}'", request.arguments[0]));
    }
    if (wait[1].revents != 0) take(child->output, outcome.output);
    if (wait[2].revents != 0) take(child->error, outcome.error);
    if (wait[3].revents != 0) give(child->input, rest);
    // The exit ends it even if a grandchild keeps the pipes open.
    running = wait[0].revents == 0;
    if (outcome.output.size() + outcome.error.size() > request.output_limit) {
      kill_group(child->pid);
      return fail(ErrorKind::exhausted,
                  fmt::format("'{}': expected at most {} bytes of output, found more",
                              request.arguments[0], request.output_limit));
    }
  }
  if (child->output.is_open()) take(child->output, outcome.output);
  if (child->error.is_open()) take(child->error, outcome.error);
  int status = 0;
  waitpid(child->pid, &status, 0);
  outcome.exit_status = exit_status(status);
  return outcome;
}

}  // namespace muster
