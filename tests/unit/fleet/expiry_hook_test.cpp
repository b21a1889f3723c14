#include "fleet/expiry_hook.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "fakes/scratch_folder.hpp"
#include "fakes/soon.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

struct Hook {
  ScratchFolder folder;
  // Read while the hook's own thread writes: this sink locks both.
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> log =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(10);
  std::shared_ptr<spdlog::logger> before = spdlog::default_logger();

  Hook() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log)); }
  ~Hook() { spdlog::set_default_logger(before); }

  std::string script(const std::string& lines) {
    std::ofstream(folder.path("hook")) << "#!/bin/sh\n" << lines << "\n";
    REQUIRE(chmod(folder.path("hook").c_str(), 0755) == 0);
    return folder.path("hook");
  }
  static OnDemandCluster cluster() {
    OnDemandCluster made;
    made.name = "ci-42";
    made.template_name = "small";
    made.created_by = "operator anna";
    made.expires_at = 2000;
    return made;
  }
  // Its first line is whole: the script moves it into place.
  std::string await(const std::string& file) const {
    std::string text;
    CHECK(soon([&] {
      std::ifstream in(folder.path(file));
      text = std::string(std::istreambuf_iterator<char>(in), {});
      return text.find('\n') != std::string::npos;
    }));
    return text;
  }
  [[nodiscard]] std::string logged() const {
    std::string lines;
    for (const std::string& line : log->last_formatted()) lines += line;
    return lines;
  }
  void await_log(const std::string& text) const {
    const bool is_there = soon([&] { return logged().find(text) != std::string::npos; });
    CHECK_MESSAGE(is_there, logged());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Hook, "the program is told by arguments and by JSON, and gets nothing else") {
  ExpiryHook hook(script("{ echo \"$#\" \"$@\" $(ls /proc/self/fd | wc -l); cat; env; } > " +
                         folder.path("t") + "; mv " + folder.path("t") + " " +
                         folder.path("told")));
  hook.warn(cluster(), 200);
  const std::string told = await("told");
  CHECK(told.starts_with("2 cluster-expires ci-42 "));
  CHECK(told.find(R"({"cluster":"ci-42","createdBy":"operator anna","event":"cluster-expires",)"
                  R"("expiresAt":2000,"secondsLeft":1800,"template":"small"})") !=
        std::string::npos);
  CHECK(told.find("HOME=") == std::string::npos);
  CHECK(logged().empty());
}

TEST_CASE_FIXTURE(Hook, "a program that fails, hangs or is not there is logged with the cure") {
  {
    ExpiryHook hook(script("echo no route >&2; exit 3"));
    hook.warn(cluster(), 0);
    await_log("expected exit status 0, found 3: 'no route");
    await_log("Try it by hand: " + folder.path("hook") + " cluster-expires ci-42");
  }
  {
    ExpiryHook hook(script("sleep 100"), 100ms);
    const auto began = std::chrono::steady_clock::now();
    hook.warn(cluster(), 0);
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    await_log("not finished after 100 ms, killed");
  }
  ExpiryHook hook(folder.path("none"));
  hook.warn(cluster(), 0);
  await_log("running '" + folder.path("none") + "'");
}

TEST_CASE_FIXTURE(Hook, "a server that stops waits for no program") {
  const auto began = std::chrono::steady_clock::now();
  {
    ExpiryHook hook(script("sleep 100"));
    hook.warn(cluster(), 0);
    std::this_thread::sleep_for(200ms);
  }
  CHECK(std::chrono::steady_clock::now() - began < 20s);
}
