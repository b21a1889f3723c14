// A program that was started without a shell: the one place that spawns. It inherits no descriptor
// but 0, 1 and 2, no blocked signal, and SIGPIPE as programs expect it, whatever the caller has
// done with it. Movable, not thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

struct ChildProgram {
  std::vector<std::string> arguments;  // the first one is the program's path; PATH is not searched
  // "NAME=value"; none: the caller's own.
  std::optional<std::vector<std::string>> environment;
  // Its standard descriptors, open until `start` returns; -1: the caller's own.
  int input = -1, output = -1, error = -1;
  // A process group of its own: what a person types does not reach it, and killing it kills what it
  // started.
  bool has_own_group = true;
};

struct Pipe {
  FileDescriptor read, write;  // neither is inherited
};
[[nodiscard]] Result<Pipe> make_pipe();

class ChildProcess {
 public:
  // Errors are those of errno, with the program's path; not_found: there is no such program.
  [[nodiscard]] static Result<ChildProcess> start(const ChildProgram& program);
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        has_own_group_(other.has_own_group_),
        ended_(std::move(other.ended_)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  // kills it where it was not waited for

  // Readable (POLLIN) once it ended.
  [[nodiscard]] int ended() const { return ended_.get(); }
  // Returns once it ended: its exit status, or 128 and the number of the signal that ended it.
  [[nodiscard]] int wait();
  // SIGKILL, also to what it started where the group is its own; returns once it ended.
  void kill();

 private:
  ChildProcess(pid_t pid, bool has_own_group) : pid_(pid), has_own_group_(has_own_group) {}
  pid_t pid_;
  bool has_own_group_;
  FileDescriptor ended_;
};

}  // namespace muster
