#include "agent/node/node_object.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "agent/readiness.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

constexpr const char* missing =
    R"({"kind":"Status","status":"Failure","message":"nodes \"m1\" not found","reason":"NotFound","code":404})";

// A machine that runs, whose kubelet registers its Node when it starts and never again.
class RunningMachine {
 public:
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  Checkpoint checkpoint;
  NodeDocument document = example_document();
  PeerList peers = example_peers();
  std::string answer = missing;  // where the Node is not there

  RunningMachine() {
    for (const char* file : {"ca.crt", "tls.crt", "tls.key"}) {
      machine.files.put(paths::certificate("kubelet-client", file), "PEM");
    }
    start_kubelet();
    machine.clock.sleep(std::chrono::minutes(10));
    network.on_node = [this]() -> std::optional<ApiAnswer> {
      if (restarts() > seen_) start_kubelet();
      if (machine.clock.since_boot() < registers_at_) return ApiAnswer{404, answer};
      if (is_there_) return std::nullopt;
      return ApiAnswer{404, answer};
    };
  }

  void delete_node() { is_there_ = false; }
  // As on a machine that is slow: kubelet was started just now, and registers that much later.
  void start_slowly(std::chrono::seconds time) {
    start_kubelet();
    registers_at_ = machine.clock.since_boot() + time;
  }
  void start_agent_anew() { memory_ = Memory(); }
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] std::size_t restarts() const {
    return static_cast<std::size_t>(std::count(
        machine.services.calls.begin(), machine.services.calls.end(), "restart kubelet.service"));
  }

  // One poll; why the Node is not Ready.
  std::string poll(std::chrono::seconds limit = std::chrono::seconds(0)) {
    Reporter reporter(machine.host, checkpoint, memory_, [](std::string_view) {});
    Run run{machine.host, network,  settings,
            checkpoint,   reporter, Deadline(machine.clock, std::chrono::minutes(10)),
            false,        false,    memory_};
    ExitWatch exits({});
    const auto ready =
        await_node_ready(run, document, peers, {site.reported_boot, {}}, exits, limit);
    return ready ? std::string() : ready.error().error.message;
  }

 private:
  void start_kubelet() {
    seen_ = restarts();
    is_there_ = true;
    machine.services.pids["kubelet.service"] = ++pid_;
    const auto ticks = machine.clock.since_boot() / std::chrono::milliseconds(10);
    machine.files.put(fmt::format("/proc/{}/stat", pid_),
                      fmt::format("{} (kube (1) let) S{} {} 0\n", pid_,
                                  std::string(" 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"), ticks));
  }
  Memory memory_;
  bool is_there_ = true;
  std::chrono::nanoseconds registers_at_{0};
  std::size_t seen_ = 0;
  std::uint32_t pid_ = 100;
};

}  // namespace

TEST_CASE(
    "kubelet is left alone half a minute after the first restart, then twice as long each time") {
  NodeRestarts restarts;
  CHECK(until_node_restart(restarts, 1000).count() == 0);
  std::vector<std::int64_t> pauses;
  std::int64_t now = 1000;
  for (int i = 0; i < 9; ++i) {
    restarts = with_node_restart(restarts, now);
    pauses.push_back(until_node_restart(restarts, now).count());
    now += pauses.back();
    CHECK(until_node_restart(restarts, now).count() == 0);
  }
  CHECK(pauses == std::vector<std::int64_t>{30, 60, 120, 240, 480, 960, 1920, 1920, 1920});

  CHECK(with_node_restart(restarts, now).count == 10);
  CHECK(with_node_restart(restarts, now + 7200).count == 1);
  CHECK(until_node_restart(restarts, now - 100000).count() == 0);  // the clock went back
}

TEST_CASE("a process' start, whatever its name is") {
  const std::string zeros = " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0";
  CHECK(process_start("7 (a) b) S" + zeros + " 1435747 313\n") ==
        std::chrono::milliseconds(14357470));
  CHECK_FALSE(process_start("7 (a) S 0").has_value());
  CHECK_FALSE(process_start("").has_value());
}

TEST_CASE("a Node that was deleted is there again after one poll, each time") {
  RunningMachine node;
  CHECK(node.poll() == "");
  CHECK(node.restarts() == 0);
  node.delete_node();
  CHECK(node.poll() == "");
  CHECK(node.is_there());
  CHECK(node.machine.services.calls == std::vector<std::string>{"restart kubelet.service"});
  CHECK(load_checkpoint(node.machine.files)->node_restarts.count == 1);

  node.machine.clock.sleep(std::chrono::seconds(60));
  node.delete_node();
  CHECK(node.poll() == "");
  CHECK(node.restarts() == 2);
}

TEST_CASE("a Node that is deleted at each poll costs kubelet a restart now and then") {
  RunningMachine node;
  std::vector<std::size_t> restarts;
  for (int minute = 0; minute < 120; ++minute) {
    node.delete_node();
    static_cast<void>(node.poll());
    restarts.push_back(node.restarts());
    node.machine.clock.sleep(std::chrono::minutes(1));
  }
  CHECK(restarts[0] == 1);
  CHECK(restarts[1] == 2);
  CHECK(restarts.back() <= 10);
  CHECK(restarts.back() >= 8);
  node.delete_node();
  CHECK(
      node.poll().rfind(
          "node 'm1' is not registered; journalctl -u kubelet.service -b; deleted again and again: kubelet is restarted in ",
          0) == 0);
}

TEST_CASE("a kubelet that has just been started registers by itself") {
  RunningMachine node;
  node.machine.services.calls.emplace_back("restart kubelet.service");  // somebody else's
  CHECK(node.poll() == "");
  node.delete_node();
  node.machine.clock.sleep(std::chrono::seconds(20));
  CHECK(node.poll() == "node 'm1' is not registered; journalctl -u kubelet.service -b");
  CHECK(node.restarts() == 1);
  // Waited for, it is not waited for in vain.
  CHECK(node.poll(std::chrono::seconds(180)) == "");
  CHECK(node.restarts() == 2);
}

TEST_CASE("a kubelet that is slow to register is left alone until it has") {
  RunningMachine node;
  node.start_slowly(std::chrono::seconds(170));
  CHECK(node.poll(std::chrono::seconds(180)) == "");
  CHECK(node.restarts() == 0);
  // The same process, of which it is known from now on that it will not do it again.
  node.delete_node();
  CHECK(node.poll() == "");
  CHECK(node.restarts() == 1);
}

TEST_CASE("of a kubelet that ran before this agent, it is believed after five minutes") {
  RunningMachine node;
  node.start_slowly(std::chrono::seconds(0));
  CHECK(node.poll() == "");
  node.delete_node();
  node.start_agent_anew();
  node.machine.clock.sleep(std::chrono::seconds(290));
  CHECK(node.poll() == "node 'm1' is not registered; journalctl -u kubelet.service -b");
  node.machine.clock.sleep(std::chrono::seconds(11));
  CHECK(node.poll() == "");
  CHECK(node.restarts() == 1);
}

TEST_CASE("kubelet is not restarted for a machine that left, nor by any other 404") {
  RunningMachine node;
  node.delete_node();
  node.peers.peers.erase(node.peers.peers.begin());
  CHECK(node.poll() == "node 'm1' is not registered; journalctl -u kubelet.service -b");
  node.peers = example_peers();
  node.answer = "404 page not found";
  CHECK(node.poll() ==
        "https://127.0.0.1:6443 answered 404 to a GET of node 'm1': 404 page not found");
  node.network.api_at = node.machine.clock.since_boot() + std::chrono::minutes(5);
  CHECK(node.poll() == "connection refused");
  CHECK(node.restarts() == 0);
  // Deleted while the API was away.
  node.answer = missing;
  node.machine.clock.sleep(std::chrono::minutes(6));
  CHECK(node.poll() == "");
  CHECK(node.restarts() == 1);
}

TEST_CASE("a disk that is full keeps no Node away") {
  RunningMachine node;
  node.delete_node();
  node.machine.files.crash_at = 0;
  CHECK(node.poll() == "");
  CHECK(node.restarts() == 1);
}
