#include "agent/judgement.hpp"

#include <doctest/doctest.h>

#include "agent/kept_status.hpp"
#include "agent/state/settled_document.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

struct JudgementFixture : ReconcileFixture {
  // kubelet exits on this setting.
  void break_kubelet_at(int max_pods) {
    const std::string setting = fmt::format("maxPods: {}", max_pods);
    machine.services.breaks = [this, setting](const std::string& unit) {
      return unit == "kubelet.service" && kubelet_yaml().find(setting) != std::string::npos;
    };
  }
  [[nodiscard]] std::string kubelet_yaml() const {
    return machine.files.text("/etc/kubernetes/kubelet.yaml");
  }
  void publish(std::uint64_t generation, std::uint32_t max_pods) {
    document.generation = generation;
    document.config.kubelet.max_pods = max_pods;
    serve();
  }
  [[nodiscard]] const Report& told() const { return site.reports.back(); }
  [[nodiscard]] std::string served() const { return digest(site.document_envelope); }
  [[nodiscard]] bool is_kubelet_up() const {
    return machine.services.active.count("kubelet.service") == 1;
  }
};

}  // namespace

TEST_CASE_FIXTURE(JudgementFixture, "a machine that was NotReady says that it is well again") {
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(told().configuration == Configuration::settled);
  CHECK(told().document_digest == served());
  machine.clock.sleep(std::chrono::hours(13));  // of the certificates' 24
  site.is_node_ready = false;
  site.asked.clear();
  CHECK(converge().verdict == Verdict::converged);
  CHECK(told().configuration == Configuration::settled);
  REQUIRE(told().unwell.size() == 1);
  CHECK(told().unwell[0].subject == "kubelet");
  CHECK(told().unwell[0].message == "node is not Ready: R: M");
  CHECK(told().failure->unit == "kubelet.service");  // whose log is worth reading
  const auto since = told().unwell[0].since;
  CHECK(since == std::chrono::system_clock::to_time_t(machine.clock.now()));
  CHECK(std::count(site.asked.begin(), site.asked.end(), "certificate kubelet-client") == 1);
  machine.clock.sleep(std::chrono::seconds(60));
  CHECK(converge().verdict == Verdict::converged);
  CHECK(told().unwell[0].since == since);
  CHECK(std::count(narrated.begin(), narrated.end(), "unwell: kubelet: node is not Ready: R: M") ==
        1);
  site.is_node_ready = true;
  CHECK(converge().verdict == Verdict::converged);
  CHECK(told().unwell.empty());
  CHECK(std::count(narrated.begin(), narrated.end(), "well again after 60 s: kubelet") == 1);
}

TEST_CASE_FIXTURE(JudgementFixture,
                  "a document that does not work here is refused, until the next") {
  REQUIRE(converge().verdict == Verdict::converged);
  const std::string settled = served();
  break_kubelet_at(120);
  publish(2, 120);
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(told().configuration == Configuration::settled);
  CHECK(told().document_digest == settled);
  CHECK(told().pending_digest == served());
  const auto began = machine.clock.now();
  const auto fallen = converge(true);
  CHECK(machine.clock.now() - began < std::chrono::minutes(2));
  CHECK(fallen.verdict == Verdict::failed);
  CHECK(fallen.failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK(told().document_digest == settled);
  CHECK(told().fetched_digest == served());
  REQUIRE(told().refused_document);
  CHECK(told().refused_document->digest == served());
  CHECK(told().refused_document->reason.find("unit 'kubelet.service': job ended 'failed'") !=
        std::string::npos);
  CHECK(told().failure->unit == "kubelet.service");
  CHECK(is_kubelet_up());
  CHECK(kubelet_yaml().find("maxPods: 110") != std::string::npos);

  // It is not tried again: not at a poll, not at a reboot.
  static_cast<void>(changes_outside_state());
  machine.services.calls.clear();
  CHECK(converge().message == fallen.message);
  CHECK(machine.services.calls.empty());
  CHECK(changes_outside_state().empty());
  reboot("boot-2");
  const auto rebooted = converge();
  CHECK(rebooted.failure == FailureClass::kubelet);
  CHECK(rebooted.is_up);
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK(is_kubelet_up());
  CHECK(changes_outside_state().empty());

  publish(3, 130);
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK_FALSE(told().refused_document);
  reboot("boot-3");
  CHECK(converge().verdict == Verdict::converged);
  CHECK(told().document_digest == served());
  CHECK(kubelet_yaml().find("maxPods: 130") != std::string::npos);
}

TEST_CASE_FIXTURE(JudgementFixture, "a kubelet that exits after its start is not waited for") {
  REQUIRE(converge().verdict == Verdict::converged);
  publish(2, 120);
  const auto exits = [&] { return kubelet_yaml().find("maxPods: 120") != std::string::npos; };
  // It says that it is ready, then exits once a second.
  const auto began = machine.clock.now();
  network.on_node = [&] {
    site.is_node_ready = !exits();
    if (exits()) ++machine.services.restarts["kubelet.service"];
    return std::optional<ApiAnswer>();
  };
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(machine.clock.now() - began < std::chrono::seconds(30));
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK(told().failure->unit == "kubelet.service");
  CHECK(told().refused_document->reason.find("unit 'kubelet.service': exited ") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(JudgementFixture, "an operator's order tries a refused document again") {
  REQUIRE(converge().verdict == Verdict::converged);
  break_kubelet_at(120);
  publish(2, 120);
  REQUIRE(converge(true).failure == FailureClass::kubelet);
  machine.services.breaks = nullptr;
  CHECK(converge().verdict == Verdict::failed);
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK(told().document_digest == served());
}

TEST_CASE_FIXTURE(JudgementFixture, "what fails with the settled document too condemns no other") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.services.broken.insert("kubelet.service");
  publish(2, 120);
  reboot("boot-2");
  CHECK(converge().failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::trying);
  CHECK_FALSE(told().refused_document);
  machine.services.broken.clear();
  machine.clock.sleep(std::chrono::minutes(2));
  CHECK(converge().verdict == Verdict::converged);
  CHECK(told().document_digest == served());
}

TEST_CASE_FIXTURE(JudgementFixture,
                  "a unit that fails on what it had before condemns no document") {
  REQUIRE(converge().verdict == Verdict::converged);
  document.config.kernel.sysctl["net.core.somaxconn"] = "1024";
  publish(2, 110);
  machine.services.broken.insert("kubelet.service");
  reboot("boot-2");
  CHECK(converge().failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::trying);
}

TEST_CASE_FIXTURE(JudgementFixture,
                  "a machine that never settled tries on, and takes what is newer") {
  break_kubelet_at(110);
  const auto first = converge();
  CHECK(first.failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::trying);
  CHECK(told().document_digest.empty());
  // One poll later it is still kubelet that failed.
  machine.clock.sleep(std::chrono::seconds(60));
  CHECK(converge().failure == FailureClass::kubelet);
  publish(2, 120);
  CHECK(converge().verdict == Verdict::converged);
}

TEST_CASE_FIXTURE(JudgementFixture, "the cache of an agent without settled files is the way back") {
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE(machine.files.remove(paths::settled));
  break_kubelet_at(120);
  publish(2, 120);
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(told().configuration == Configuration::fallen_back);
  CHECK(is_kubelet_up());
}

TEST_CASE_FIXTURE(JudgementFixture,
                  "a full disk is told, stops nothing that runs, and is over when emptied") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.files.crash_at = machine.files.calls;
  machine.files.spaces[paths::state] = {0, 1u << 30, 100, 2};
  machine.clock.sleep(std::chrono::seconds(60));
  CHECK(converge().verdict == Verdict::converged);
  REQUIRE(told().unwell.size() == 1);
  CHECK(told().unwell[0].subject == "disk");
  CHECK(told().unwell[0].message ==
        "no room on the file system of /var/lib/muster (0.0 MiB of 1.0 GiB free)");
  publish(2, 120);
  CHECK(converge().fetched.document.generation == 1);
  CHECK(told().unwell[0].subject == "disk");
  machine.files.restart();
  machine.files.spaces.clear();
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(told().unwell.empty());
}

TEST_CASE_FIXTURE(JudgementFixture, "what status shows is of the run that ended") {
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(kept_status(machine.files)->verdict == Verdict::converged);
  break_kubelet_at(120);
  publish(2, 120);
  CHECK(converge(true).failure == FailureClass::kubelet);
  CHECK(kept_status(machine.files)->verdict == Verdict::failed);
  CHECK(kept_status(machine.files)->failure_class == "kubelet");
}

TEST_CASE_FIXTURE(JudgementFixture,
                  "a unit that does not come back is started again after growing pauses") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.services.active.erase("containerd.service");
  machine.services.broken.insert("containerd.service");
  machine.services.calls.clear();
  for (int poll = 0; poll < 60; ++poll) {
    CHECK(converge().verdict == Verdict::converged);
    CHECK(told().unwell.at(0).subject == "containerd.service");
    machine.clock.sleep(std::chrono::seconds(60));
  }
  // After 0.5, 1, 2, 4, 8, 16 and then 30 minutes, at the poll that follows.
  CHECK(machine.services.calls.size() == 7);
  machine.services.broken.clear();
  for (int poll = 0; poll < 31; ++poll) {
    CHECK(converge().verdict == Verdict::converged);
    machine.clock.sleep(std::chrono::seconds(60));
  }
  CHECK(machine.services.active.count("containerd.service") == 1);
  CHECK(told().unwell.empty());
}

TEST_CASE_FIXTURE(JudgementFixture,
                  "power is lost at any change of a fall-back, and the machine comes back") {
  REQUIRE(converge().verdict == Verdict::converged);
  break_kubelet_at(120);
  publish(2, 120);
  const int before = machine.files.calls;
  REQUIRE(converge(true).failure == FailureClass::kubelet);
  const int calls = machine.files.calls - before;
  REQUIRE(calls > 5);
  for (int at = 0; at < calls; ++at) {
    CAPTURE(at);
    JudgementFixture fresh;
    REQUIRE(fresh.converge().verdict == Verdict::converged);
    fresh.break_kubelet_at(120);
    fresh.publish(2, 120);
    fresh.machine.files.crash_at = fresh.machine.files.calls + at;
    static_cast<void>(fresh.converge(true));
    fresh.machine.files.restart();
    fresh.reboot("boot-2");
    CHECK(fresh.converge().is_up);
    CHECK(fresh.told().configuration == Configuration::fallen_back);
    CHECK(fresh.is_kubelet_up());
    CHECK(fresh.kubelet_yaml().find("maxPods: 110") != std::string::npos);
    CHECK(settled_document(fresh.machine.files, *load_checkpoint(fresh.machine.files)));
  }
}

TEST_CASE_FIXTURE(JudgementFixture, "a document that is not this machine's is not put on it") {
  REQUIRE(converge().verdict == Verdict::converged);
  const std::string settled = served();
  static_cast<void>(changes_outside_state());
  document.generation = 2;
  document.role.address = "10.0.0.99";
  document.certificates.front().ip_addresses = {"10.0.0.99"};
  document.config.kernel.sysctl["net.core.somaxconn"] = "1024";
  serve();
  const auto outcome = converge();
  CHECK(outcome.failure == FailureClass::network);
  CHECK(outcome.message.rfind("address: expected 10.0.0.99 on an interface", 0) == 0);
  CHECK(told().configuration == Configuration::trying);
  CHECK(told().document_digest == settled);
  CHECK_FALSE(told().refused_document);
  CHECK(changes_outside_state().empty());
  network.address = "10.0.0.99";
  static_cast<void>(converge());
  CHECK(machine.files.text("/etc/sysctl.d/90-muster.conf").find("somaxconn = 1024") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(ReconcileFixture, "what is told as refused has a digest") {
  REQUIRE(converge().verdict == Verdict::converged);
  site.odd_answer = [](const Envelope& found, std::string_view) {
    std::optional<Result<std::optional<FetchedEnvelope>>> answer;
    if (found.payload_type == node_document_type) {
      answer = Result<std::optional<FetchedEnvelope>>(fail(ErrorKind::corrupt, "unreadable"));
    }
    return answer;
  };
  CHECK(converge().message == "unreadable");
  CHECK_FALSE(site.reports.back().refused_document);
  site.odd_answer = nullptr;
  // Another content of the same generation.
  document.config.kubelet.max_pods = 5;
  serve();
  CHECK(converge().verdict == Verdict::failed);
  REQUIRE(site.reports.back().refused_document);
  CHECK(site.reports.back().refused_document->digest == digest(site.document_envelope));
}
