#include "cli/config_checker.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "document/strict_json.hpp"
#include "result/child_process.hpp"

namespace muster {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::size_t largest_answer = 1u << 20;

Result<std::string> read_in_time(int descriptor) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + patience;
  std::string text;
  char bytes[65536];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd waited{descriptor, POLLIN, 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0)
      return fail(ErrorKind::io, fmt::format("expected an answer within {} s", patience.count()));
    const ssize_t got = ::read(descriptor, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "reading its answer");
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > largest_answer)
      return fail(ErrorKind::io, "expected an answer of at most 1 MiB");
  }
}

}  // namespace

bool is_known_to_checker(const std::string& program) {
  constexpr std::array known{"kubelet", "kube-proxy", "kube-apiserver", "kube-controller-manager",
                             "kube-scheduler"};
  return std::find(known.begin(), known.end(), program) != known.end();
}

Result<std::vector<std::string>> run_config_checker(const std::string& checker,
                                                    const std::string& root,
                                                    const std::string& program,
                                                    const std::vector<std::string>& arguments) {
  auto pipe = make_pipe();
  if (!pipe) return pass(pipe.error());
  ChildProgram child;
  child.arguments = {checker, "--root", root, program};
  child.arguments.insert(child.arguments.end(), arguments.begin(), arguments.end());
  child.output = pipe->write.get();
  auto process = ChildProcess::start(child);
  if (!process) return pass(process.error());
  pipe->write.close();
  const auto text = read_in_time(pipe->read.get());
  if (!text) {
    process->kill();
    return while_doing(text.error(), fmt::format("'{} {}'", checker, program));
  }
  if (const int status = process->wait(); status != 0)
    return fail(ErrorKind::io,
                fmt::format("'{} {}': expected exit status 0, found {}", checker, program, status));
  const auto answer = parse_strict_json("config-checker", *text, {largest_answer});
  if (!answer) return pass(answer.error());
  std::vector<std::string> words;
  const auto problems = answer->find("problems");
  if (problems == answer->end() || !problems->is_array())
    return fail(ErrorKind::io, fmt::format("'{}': expected {{\"problems\":[...]}}", checker));
  for (const auto& problem : *problems) {
    if (problem.is_string()) words.push_back(problem.get<std::string>());
  }
  return words;
}

}  // namespace muster
