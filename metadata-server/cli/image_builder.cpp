#include "cli/image_builder.hpp"

#include <unistd.h>

#include <cerrno>

#include "document/strict_json.hpp"
#include "result/child_process.hpp"

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
  auto pipe = make_pipe();
  if (!pipe) return pass(pipe.error());
  ChildProgram program;
  program.arguments = std::move(arguments);
  program.arguments.insert(program.arguments.begin(), program_);
  program.output = pipe->write.get();
  program.has_own_group = false;  // so that ^C ends both
  auto child = ChildProcess::start(program);
  if (!child) {
    return fail(child.error().kind, fmt::format("{}; --images names the folder that it lies in",
                                                child.error().message));
  }
  pipe->write.close();
  auto text = read_all(pipe->read.get());
  if (!text) return text;
  if (child->wait() != 0) {
    return fail(ErrorKind::io,
                fmt::format("'{} {}' failed; its words are above", program_, program.arguments[1]));
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
