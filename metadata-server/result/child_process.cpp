#include "result/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace muster {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// Frees what posix_spawn is told.
struct SpawnOrders {
  posix_spawn_file_actions_t actions = {};
  posix_spawnattr_t attributes = {};
  SpawnOrders() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnOrders(const SpawnOrders&) = delete;
  SpawnOrders& operator=(const SpawnOrders&) = delete;
  ~SpawnOrders() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

void set_descriptors(const ChildProgram& program, SpawnOrders& orders) {
  const std::array<int, 3> given{program.input, program.output, program.error};
  for (int number = 0; number < 3; ++number) {
    const int from = given.at(static_cast<std::size_t>(number));
    if (from >= 0) posix_spawn_file_actions_adddup2(&orders.actions, from, number);
  }
  posix_spawn_file_actions_addclosefrom_np(&orders.actions, 3);
}

void set_signals(const ChildProgram& program, SpawnOrders& orders) {
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (program.has_own_group) {
    flags |= POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setpgroup(&orders.attributes, 0);
  }
  posix_spawnattr_setflags(&orders.attributes, flags);
  sigset_t none, pipes;
  sigemptyset(&none);
  sigemptyset(&pipes);
  sigaddset(&pipes, SIGPIPE);
  posix_spawnattr_setsigmask(&orders.attributes, &none);
  posix_spawnattr_setsigdefault(&orders.attributes, &pipes);
}

}  // namespace

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<ChildProcess> ChildProcess::start(const ChildProgram& program) {
  auto arguments = program.arguments;
  if (arguments.empty()) return fail(ErrorKind::internal, "running a program: expected its path");
  SpawnOrders orders;
  set_descriptors(program, orders);
  set_signals(program, orders);
  auto variables = program.environment.value_or(std::vector<std::string>());
  const auto words = pointers(arguments), environment = pointers(variables);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, words.front(), &orders.actions, &orders.attributes,
                                 words.data(), program.environment ? environment.data() : environ);
  if (failed != 0) return fail_errno(failed, fmt::format("running '{}'", arguments[0]));
  ChildProcess child(pid, program.has_own_group);
  child.ended_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!child.ended_.is_open()) {
    return fail_errno(errno, fmt::format("watching '{}'", arguments[0]));
  }
  return child;
}

ChildProcess::~ChildProcess() {
  kill();
}

int ChildProcess::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void ChildProcess::kill() {
  if (pid_ < 0) return;
  ::kill(has_own_group_ ? -pid_ : pid_, SIGKILL);
  static_cast<void>(wait());
}

}  // namespace muster
