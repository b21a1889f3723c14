// What condemns a document, and what does not: whole converges of a machine whose units exit, or
// are disturbed from outside.
#include <doctest/doctest.h>

#include "agent/state/settled_document.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

struct CondemnationFixture : ReconcileFixture {
  CondemnationFixture() {
    REQUIRE(converge().verdict == Verdict::converged);
    settled = served();
  }
  std::string settled;
  static constexpr const char* kubelet = "kubelet.service";
  static constexpr const char* containerd = "containerd.service";
  static constexpr const char* proxy = "kube-proxy.service";

  [[nodiscard]] const Report& told() const { return site.reports.back(); }
  [[nodiscard]] std::string served() const { return digest(site.document_envelope); }
  [[nodiscard]] std::string file(const std::string& path) const { return machine.files.text(path); }
  [[nodiscard]] bool is_up(const std::string& unit) const {
    return machine.services.active.count(unit) == 1;
  }
  void publish(std::uint64_t generation) {
    document.generation = generation;
    serve();
  }
  void publish_maximum(std::uint64_t generation, std::uint32_t max_pods) {
    document.config.kubelet.max_pods = max_pods;
    publish(generation);
  }
  void publish_bogus_proxy(std::uint64_t generation) {
    document.config.component_arguments["kube-proxy"]["bogus-flag"] = "1";
    publish(generation);
  }
  [[nodiscard]] bool has_bogus_proxy() const {
    return file("/etc/muster/arguments/kube-proxy.env").find("bogus-flag") != std::string::npos;
  }
  // Its start is no failure (Type=simple); it exits at once, and systemd starts it each second.
  void let_unit_exit(const std::string& unit, std::function<bool()> exits) {
    machine.services.on_look = [this, unit, exits, last = machine.clock.since_boot()]() mutable {
      auto& services = machine.services;
      services.states.erase(unit);
      if (!is_up(unit) || !exits()) return;
      services.states[unit] = "activating";
      const auto now = machine.clock.since_boot();
      if (now - last < std::chrono::seconds(1)) return;
      last = now;
      ++services.restarts[unit];
    };
  }
  void poll_later() {
    machine.clock.sleep(std::chrono::seconds(60));
    static_cast<void>(converge());
  }
};

// An attempt that was disturbed leaves kubelet on its new inputs, and the polls go on with it.
struct RunningFixture : CondemnationFixture {
  std::function<bool()> exits = [] { return true; };  // kubelet
  RunningFixture() {
    publish_maximum(2, 120);
    machine.services.states[containerd] = "activating";
    machine.services.breaks = [this](const std::string& unit) {
      return unit == kubelet && exits();
    };
    REQUIRE(converge(true).failure == FailureClass::kubelet);
    REQUIRE(told().configuration == Configuration::trying);
    machine.services.states.clear();
  }
};

}  // namespace

TEST_CASE_FIXTURE(CondemnationFixture,
                  "a component that exits on its new arguments condemns the document") {
  let_unit_exit(proxy, [this] { return has_bogus_proxy(); });
  machine.journal.lines[proxy] = {"Error: unknown flag: --bogus-flag"};
  publish_bogus_proxy(2);
  const auto began = machine.clock.now();
  CHECK(converge(true).verdict == Verdict::failed);
  // systemd has tried again, so the agent need not.
  CHECK(machine.clock.now() - began < std::chrono::seconds(10));
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK(told().document_digest == settled);
  REQUIRE(told().refused_document);
  CHECK(told().refused_document->digest == served());
  CHECK(told().refused_document->reason.find("unit 'kube-proxy.service': exited ") !=
        std::string::npos);
  REQUIRE(told().failure);
  CHECK(told().failure->unit == proxy);
  CHECK(told().failure->log == machine.journal.lines[proxy]);
  CHECK(
      told().failure->cure ==
      "correct what the lines of kube-proxy.service name: where it is a setting, in the inventory, then run `muster apply DIR`");
  CHECK_FALSE(has_bogus_proxy());
}

TEST_CASE_FIXTURE(CondemnationFixture, "but not under a clock with which no certificate is valid") {
  let_unit_exit(proxy, [this] { return has_bogus_proxy(); });
  publish_bogus_proxy(2);
  static_cast<void>(converge());
  reboot("boot-2");
  site.clock_offset = 24 * 30 * 3600;
  CHECK(converge().verdict == Verdict::failed);
  CHECK(told().configuration == Configuration::trying);
  CHECK_FALSE(told().refused_document);
  CHECK(has_bogus_proxy());
}

TEST_CASE_FIXTURE(CondemnationFixture, "so it does at a reboot, which is when it is taken") {
  let_unit_exit(proxy, [this] { return has_bogus_proxy(); });
  publish_bogus_proxy(2);
  static_cast<void>(converge());
  reboot("boot-2");
  CHECK(converge().is_up);
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK_FALSE(has_bogus_proxy());
}

TEST_CASE_FIXTURE(CondemnationFixture, "one restart that holds condemns nothing") {
  publish_bogus_proxy(2);
  let_unit_exit(proxy,
                [this] { return has_bogus_proxy() && machine.services.restarts[proxy] < 1; });
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK(told().configuration == Configuration::settled);
  CHECK(told().document_digest == served());
}

TEST_CASE_FIXTURE(CondemnationFixture,
                  "containerd that was killed meanwhile condemns no document of kubelet's") {
  publish_maximum(2, 120);
  machine.services.pids[containerd] = 100;
  bool is_killed = false;
  machine.services.breaks = [&](const std::string& unit) {
    if (unit != kubelet || machine.services.pids[containerd] == 102) return false;
    is_killed = true;  // for as long as this attempt lasts
    machine.services.pids[containerd] = 101;
    machine.services.restarts[containerd] = 3;
    return true;
  };
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(is_killed);
  CHECK(told().configuration == Configuration::trying);
  CHECK_FALSE(told().refused_document);
  CHECK(told().document_digest.empty());  // kubelet was stopped for another one
  CHECK(
      told().failure->cure ==
      "containerd.service was in trouble meanwhile (restarted by systemd), which the document did not cause: this machine tries on by itself");
  machine.services.pids[containerd] = 102;
  poll_later();
  CHECK(told().configuration == Configuration::settled);
  CHECK(told().document_digest == served());
}

TEST_CASE_FIXTURE(CondemnationFixture,
                  "a person's stop of containerd condemns no document of kubelet's") {
  publish_maximum(2, 120);
  int starts = 0;
  machine.services.breaks = [&](const std::string& unit) {
    if (unit != kubelet || ++starts > 3) return false;
    machine.services.active.erase(containerd);
    return true;
  };
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::trying);
}

TEST_CASE_FIXTURE(CondemnationFixture,
                  "what fails with the settled document too stays withdrawn for another agent") {
  publish_maximum(2, 120);
  machine.services.broken.insert(kubelet);
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::trying);
  for (int poll = 0; poll < 3; ++poll) {
    memory = Memory();
    poll_later();
    CHECK(told().configuration == Configuration::trying);
    CHECK_FALSE(told().refused_document);
  }
  machine.services.broken.clear();
  memory = Memory();
  poll_later();
  CHECK(told().configuration == Configuration::settled);
  CHECK(told().document_digest == served());
  // It is forgotten with its document.
  CHECK(load_checkpoint(machine.files)->withdrawn == served());
  publish_maximum(3, 130);
  poll_later();
  CHECK(load_checkpoint(machine.files)->withdrawn.empty());
}

TEST_CASE_FIXTURE(CondemnationFixture,
                  "a unit that falls while a document waits for its turn condemns it not") {
  publish_maximum(2, 120);
  CHECK(converge().verdict == Verdict::pending_changes);
  machine.services.active.erase(kubelet);
  machine.services.broken.insert(kubelet);
  for (int poll = 0; poll < 4; ++poll) poll_later();
  CHECK_FALSE(told().refused_document);
  CHECK(load_checkpoint(machine.files)->withdrawn.empty());
  machine.services.broken.clear();
  machine.clock.sleep(std::chrono::minutes(31));
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(told().document_digest == settled);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "what fails with the settled document too is withdrawn between turns as well") {
  for (int poll = 0; poll < 5; ++poll) {
    poll_later();
    CAPTURE(poll);
    CHECK(told().configuration == Configuration::trying);
    CHECK_FALSE(told().refused_document);
  }
  CHECK(load_checkpoint(machine.files)->withdrawn == served());
  // The pause between its starts still grows.
  machine.services.calls.clear();
  for (int poll = 0; poll < 5; ++poll) poll_later();
  CHECK(machine.services.calls.size() < 3);
  exits = [] { return false; };
  machine.clock.sleep(std::chrono::minutes(31));
  CHECK(converge().verdict == Verdict::converged);
  CHECK(told().document_digest == served());
}

TEST_CASE_FIXTURE(RunningFixture,
                  "between turns a unit that failed once is tried again, then the way back") {
  exits = [this] {
    return file("/etc/kubernetes/kubelet.yaml").find("maxPods: 120") != std::string::npos;
  };
  poll_later();
  CHECK(told().configuration == Configuration::trying);
  CHECK_FALSE(is_up(kubelet));
  poll_later();
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK(is_up(kubelet));  // at once, whatever its pause with the other document was
  CHECK(told().document_digest == settled);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "a unit that was killed once is up again, and nothing is refused") {
  poll_later();
  exits = [] { return false; };
  poll_later();
  CHECK(told().configuration == Configuration::settled);
  CHECK(told().document_digest == served());
}

TEST_CASE_FIXTURE(CondemnationFixture,
                  "what containerd's new configuration breaks of kubelet condemns the document") {
  document.config.component_arguments["containerd"]["log-level"] = "debug";
  publish(2);
  network.on_node = [this] {
    const auto arguments = file("/etc/muster/arguments/containerd.env");
    site.is_node_ready = arguments.find("debug") == std::string::npos;
    return std::optional<ApiAnswer>();
  };
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::fallen_back);
}

TEST_CASE_FIXTURE(CondemnationFixture,
                  "a kubelet that somebody stopped is told with what is done") {
  machine.services.active.erase(kubelet);
  site.is_node_ready = false;
  CHECK(converge().verdict == Verdict::converged);
  CHECK(is_up(kubelet));
  REQUIRE(told().failure);
  CHECK(
      told().failure->cure ==
      "nobody has to do anything yet: this machine starts kubelet where it stopped, restarts one that hangs, and looks again at each poll; what lasts longer is in the lines of kubelet.service");
  machine.services.active.erase(kubelet);
  machine.services.broken.insert(kubelet);
  CHECK(converge().verdict == Verdict::converged);
  CHECK(
      told().failure->cure ==
      "this machine starts kubelet.service again by itself, after pauses that grow from 30 s to half an hour; the document worked here before, so look for what else changed: what its lines name, a drop-in (`systemctl cat kubelet.service`)");
}
