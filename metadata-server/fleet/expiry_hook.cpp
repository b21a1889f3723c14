#include "fleet/expiry_hook.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "document/problem.hpp"
#include "document/strict_json.hpp"
#include "document/utf8.hpp"
#include "result/child_process.hpp"
#include "result/durable_file.hpp"

namespace muster {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_waiting = 100;
constexpr std::size_t kept_output = 500;  // bytes, for the log

std::string input_of(const OnDemandCluster& cluster, std::int64_t now) {
  return canonical_text({{"event", "cluster-expires"},
                         {"cluster", cluster.name},
                         {"template", cluster.template_name},
                         {"createdBy", cluster.created_by},
                         {"expiresAt", cluster.expires_at},
                         {"secondsLeft", cluster.expires_at - now}}) +
         "\n";
}

struct Running {
  ChildProcess process;
  FileDescriptor output;
};

// A file in memory needs nobody who feeds it.
Result<FileDescriptor> standard_input(const std::string& text) {
  FileDescriptor file(memfd_create("expiry", MFD_CLOEXEC));
  if (!file.is_open()) return fail_errno(errno, "memory for the hook's input");
  if (auto written = write_all(file.get(), text, "the hook's input"); !written)
    return pass(written.error());
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

Result<Running> start(const std::string& path, const std::string& cluster,
                      const std::string& text) {
  const auto input = standard_input(text);
  if (!input) return pass(input.error());
  auto pipe = make_pipe();
  if (!pipe) return pass(pipe.error());
  ChildProgram program;
  program.arguments = {path, "cluster-expires", cluster};
  program.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  program.input = input->get();
  program.output = program.error = pipe->write.get();
  auto child = ChildProcess::start(program);
  if (!child) return pass(child.error());
  fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
  return Running{std::move(*child), std::move(pipe->read)};
}

void take(FileDescriptor& from, std::string& into) {
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while ((got = ::read(from.get(), buffer.data(), buffer.size())) > 0) {
    if (into.size() < kept_output) into.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (got == 0) from.close();
}

}  // namespace

ExpiryHook::ExpiryHook(std::string program, std::chrono::milliseconds limit)
    : program_(std::move(program)), limit_(limit) {
  if (!program_.empty()) worker_ = std::thread([this] { work(); });
}

ExpiryHook::~ExpiryHook() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void ExpiryHook::warn(const OnDemandCluster& cluster, std::int64_t now) {
  if (program_.empty()) return;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= most_waiting) {
    spdlog::error("expiryHook '{}': {} calls wait for it, cluster {} is not told; make it faster",
                  program_, most_waiting, cluster.name);
    return;
  }
  waiting_.push_back({cluster.name, input_of(cluster, now)});
  changed_.notify_all();
}

void ExpiryHook::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Call call = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    if (const auto done = run(call); !done) {
      spdlog::error(
          "expiryHook: cluster {}: {}; this warning is not repeated. Try it by hand: {} cluster-expires {}; as a service it also needs ExecPaths= for itself and its interpreter (`systemctl edit muster-server`)",
          call.cluster, done.error().message, program_, call.cluster);
    }
    lock.lock();
  }
}

Result<void> ExpiryHook::run(const Call& call) {
  auto child = start(program_, call.cluster, call.input);
  if (!child) return pass(child.error());
  std::string output;
  const auto end = Clock::now() + limit_;
  bool running = true, in_time = true;
  while (running && in_time) {
    std::array<pollfd, 2> wait{
        {{child->process.ended(), POLLIN, 0}, {child->output.get(), POLLIN, 0}}};
    poll(wait.data(), wait.size(), 100);  // so that the server's end is noticed
    if (wait[1].revents != 0) take(child->output, output);
    running = wait[0].revents == 0;
    const std::lock_guard lock(mutex_);
    in_time = Clock::now() < end && !stopping_;
  }
  if (running) child->process.kill();
  if (child->output.is_open()) take(child->output, output);
  if (running) {
    return fail(ErrorKind::timeout,
                fmt::format("'{}': not finished after {} ms, killed", program_, limit_.count()));
  }
  const int code = child->process.wait();
  if (code == 0) return {};
  return fail(ErrorKind::io, fmt::format("'{}': expected exit status 0, found {}: {}", program_,
                                         code, in_ticks(cut_text(output, kept_output))));
}

}  // namespace muster
