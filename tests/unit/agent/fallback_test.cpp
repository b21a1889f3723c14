#include "agent/fallback.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

DesiredState state_with(const std::map<std::string, std::string>& contents) {
  DesiredState state;
  for (const auto& [unit, content] : contents) {
    DesiredUnit one;
    one.name = unit;
    one.restart_on = {"/etc/" + unit};
    state.files.push_back({"/etc/" + unit, content});
    state.units.push_back(one);
  }
  return state;
}

struct BlameFixture {
  static constexpr const char* containerd = "containerd.service";
  static constexpr const char* kubelet = "kubelet.service";
  static constexpr const char* scheduler = "kube-scheduler.service";
  std::map<std::string, std::string> contents{{containerd, "1"},
                                              {"etcd.service", "1"},
                                              {"kube-apiserver.service", "1"},
                                              {kubelet, "1"},
                                              {scheduler, "1"}};
  std::set<std::string> waits;
  std::map<std::string, std::string> troubles;
  // Of a document that changes these units.
  Blame blame(const std::string& unit, const std::vector<std::string>& changed,
              FailureClass kind = FailureClass::kubelet) {
    auto tried = contents;
    for (const auto& one : changed) tried[one] = "2";
    Failure failure{kind, {ErrorKind::io, "x"}};
    failure.detail.unit = unit;
    return blame_for(failure, state_with(tried), state_with(contents), waits, troubles);
  }
};

}  // namespace

TEST_CASE_FIXTURE(BlameFixture, "a unit on changed inputs is the document's, its needs' too") {
  CHECK(blame(kubelet, {kubelet}).is_documents);
  CHECK(blame(kubelet, {containerd}).is_documents);
  CHECK(blame(scheduler, {"etcd.service"}, FailureClass::api).is_documents);
  CHECK_FALSE(blame(kubelet, {scheduler}).is_documents);
  CHECK_FALSE(blame(kubelet, {}).is_documents);
  CHECK_FALSE(blame("", {kubelet}).is_documents);
}

TEST_CASE_FIXTURE(BlameFixture, "what a unit needs and the document did not touch excuses it") {
  troubles[containerd] = "restarted by systemd";
  const auto found = blame(kubelet, {kubelet});
  CHECK_FALSE(found.is_documents);
  CHECK(found.excuse == "containerd.service was in trouble meanwhile (restarted by systemd)");
  // It is the document's own trouble.
  CHECK(blame(kubelet, {kubelet, containerd}).is_documents);
  // Nobody needs it here.
  CHECK(blame(scheduler, {scheduler}, FailureClass::api).is_documents);
  troubles = {{"etcd.service", "inactive"}};
  CHECK_FALSE(blame(scheduler, {scheduler}, FailureClass::api).is_documents);
  // An API server that falls with the etcd that the document changed is no excuse.
  troubles = {{"kube-apiserver.service", "activating"}};
  CHECK(blame(scheduler, {scheduler, "etcd.service"}, FailureClass::api).is_documents);
}

TEST_CASE_FIXTURE(BlameFixture, "a unit that waits for its turn runs as before") {
  waits = {kubelet};
  CHECK_FALSE(blame(kubelet, {kubelet}).is_documents);
  CHECK(blame(kubelet, {kubelet, containerd}).is_documents);
}

TEST_CASE_FIXTURE(BlameFixture, "what comes from outside is never the document's") {
  for (const auto kind :
       {FailureClass::network, FailureClass::disk, FailureClass::clock, FailureClass::identity}) {
    CHECK_FALSE(blame(kubelet, {kubelet}, kind).is_documents);
  }
  CHECK(blame("", {}, FailureClass::document).is_documents);
}
