#include "cli/image_builder.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "document/strict_json.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

constexpr std::size_t answer_limit = 8u << 20;

// All that comes, no more than the limit, until the other end closes.
Result<std::string> read_all(int descriptor) {
  std::string text;
  char bytes[65536];
  for (;;) {
    const ssize_t got = ::read(descriptor, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "reading from the image builder");
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > answer_limit) {
      return fail(ErrorKind::corrupt, "image builder: expected an answer of at most 8 MiB");
    }
  }
}

}  // namespace

Result<std::string> ImageBuilder::run(std::vector<std::string> arguments) const {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe");
  FileDescriptor output(ends[0]), input(ends[1]);
  arguments.insert(arguments.begin(), program_);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  // `muster` ignores SIGPIPE; a program expects to end with its reader.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t pipes;
  sigemptyset(&pipes);
  sigaddset(&pipes, SIGPIPE);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigdefault(&attributes, &pipes);
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, program_.c_str(), &actions, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return fail_errno(
        failed, fmt::format("starting '{}' (--images names the folder that it lies in)", program_));
  }
  input.close();
  auto text = read_all(output.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return text;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(ErrorKind::io,
                fmt::format("'{} {}' failed; its words are above", program_, arguments[1]));
  }
  return text;
}

Result<nlohmann::json> ImageBuilder::resolve(const std::string& plan) const {
  const auto text = run({"resolve", plan});
  if (!text) return pass(text.error());
  return parse_strict_json("image builder", *text, {answer_limit});
}

Result<void> ImageBuilder::make(const std::string& plan, const std::string& into) const {
  const auto text = run({"make", plan, into});
  if (!text) return pass(text.error());
  return {};
}

}  // namespace muster
