// The end of clusters on demand: who is told, who gets a tombstone, and that nothing is left.
#include "fleet/cluster_end.hpp"

#include <doctest/doctest.h>

#include "sample_on_demand.hpp"

using namespace muster;
using namespace std::chrono_literals;
using sample::OnDemand;

TEST_CASE_FIXTURE(OnDemand, "a cluster warns twice, is extended, warns again, and ends") {
  create("ci");
  pass(3h + 29min);
  CHECK(warnings.empty());
  pass(1min);
  CHECK(warnings.size() == 1);
  pass(1s);
  Scheduler after_a_restart(rooms, std::chrono::minutes(15),
                            [](const OnDemandCluster&) { FAIL("warned again"); });
  REQUIRE(after_a_restart.carry_out_due());
  pass(25min - 1s);
  REQUIRE(ask("POST", "/v1/operator/clusters/ci/extend", {{"ttlSeconds", 3600}}).status == 200);
  pass(30min);
  pass(25min);
  CHECK(warnings == std::vector<std::pair<std::string, std::int64_t>>{
                        {"ci", 1800}, {"ci", 300}, {"ci", 1800}, {"ci", 300}});
  CHECK(audit("cluster-expiry-warned").size() == 4);
  CHECK(ask("GET", "/v1/operator/clusters").body["clusters"][0]["secondsLeft"] == 300);
  pass(5min);
  CHECK(audit("cluster-expired") == std::vector<std::string>{"expiry ci"});
  CHECK(ask("GET", "/v1/operator/clusters").body["clusters"].empty());
}

TEST_CASE_FIXTURE(
    OnDemand, "what is written by others while a cluster warns is read anew, in the same look") {
  create("ci");
  time += 3h + 30min;
  hooked.before_commit = [&] {
    Transaction again;
    again.put(kinds::on_demand, "ci", site.memory.get(kinds::on_demand, "ci")->value);
    REQUIRE(site.memory.commit(again));
  };
  REQUIRE(scheduler.carry_out_due());
  CHECK(warnings == std::vector<std::pair<std::string, std::int64_t>>{{"ci", 1800}});
}

TEST_CASE_FIXTURE(OnDemand, "machines of a cluster that ended are served what their pool says") {
  create("ci");
  const Machine master = enrolled("ci", "m", 1), worker = enrolled("ci", "w", 2);
  const auto before = ask("GET", "/v1/document", {}, worker.peer);
  CHECK(before.body["payloadType"] == "application/vnd.muster.node-document.v1+json");
  pass(4h);
  const Tombstone one = tombstone(master), two = tombstone(worker);
  CHECK(one.node == "m-1");
  CHECK(one.on_delete == OnDelete::poweroff);
  CHECK(two.node == "w-1");
  CHECK(two.cluster == "ci");
  CHECK(two.site == site.keys.site());
  CHECK(two.on_delete == OnDelete::reset);
  CHECK(two.ended_at == unix_seconds(time));
  // Nothing else is theirs any more, but what verifies the tombstone.
  CHECK(ask("GET", "/v1/trust", {}, worker.peer).status == 200);
  const auto refused = ask("GET", "/v1/peers", {}, worker.peer);
  CHECK(refused.status == 403);
  CHECK(refused.body["kind"] == "ended");
  CHECK(
      refused.message() ==
      "machine 'ci/w-1': its cluster, or its time there, has ended; GET /v1/document says what it does now");
  for (const char* path : {"/v1/report", "/v1/certificates", "/v1/identity", "/v1/etcd/turn"})
    CHECK(ask("POST", path, {{"x", 1}}, worker.peer).status == 403);
}

TEST_CASE_FIXTURE(OnDemand, "a new cluster of the same name is another one") {
  create("ci");
  const Machine old = enrolled("ci", "m", 1);
  REQUIRE(ask("DELETE", "/v1/operator/clusters/ci?onDelete=keep").status == 200);
  create("ci");
  const Machine next = enrolled("ci", "m", 1);
  CHECK(tombstone(old).on_delete == OnDelete::keep);
  CHECK(ask("GET", "/v1/document", {}, next.peer).body["payloadType"] ==
        "application/vnd.muster.node-document.v1+json");
  CHECK(ask("DELETE", "/v1/document", {}, next.peer).body["kind"] == "not_ended");
  // Its key is spent, whatever token it finds.
  const auto again = enrol(old, token("ci", "m"), 3);
  REQUIRE_FALSE(again);
  CHECK(
      again.error().message ==
      "machine 'ci/m-1': its cluster has ended; run `muster-agent reset --yes` on it, so that it asks with a new key");
  REQUIRE(ask("DELETE", "/v1/operator/clusters/ci").status == 200);
  CHECK(tombstone(next).on_delete == OnDelete::poweroff);
}

TEST_CASE_FIXTURE(OnDemand, "a token of a cluster that ended says so") {
  create("ci");
  const std::string spent = token("ci", "m");
  REQUIRE(ask("DELETE", "/v1/operator/clusters/ci").status == 200);
  const auto refused = enrol(Machine(), spent, 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "cluster_ended");
  CHECK(
      refused.error().message ==
      "join token '" + spent.substr(8, 16) +
          "': its cluster 'ci' has ended; start the machine with the user-data of another one (`muster cluster create`)");
  CHECK(enrol(Machine(), spent + "x", 1).error().code == "token_unknown");
}

TEST_CASE_FIXTURE(OnDemand,
                  "a machine that was off while its cluster ended hears of it days later") {
  create("ci");
  const Machine machine = enrolled("ci", "m", 1);
  pass(4h);
  time += 24h * 10;  // its identity expired meanwhile
  CHECK(ask("GET", "/v1/document", {}, machine.peer).body["kind"] == "certificate_expired");
  Peer peer = machine.peer;
  peer.listener = ListenerKind::enrol;
  const EnrolRequest made = request(machine, ProofPurpose::recover);
  const auto answer = ask("POST", "/v1/recover",
                          {{"nonce", made.proof.nonce},
                           {"csr", made.proof.csr_pem},
                           {"proof", base64_encode(made.proof.signature)}},
                          peer);
  REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
  CHECK(read(answer.body["tombstone"].dump(), machine).cluster == "ci");
}

TEST_CASE_FIXTURE(OnDemand, "everything is collected, and at last the tombstones too") {
  const auto before = rows();
  for (int round = 0; round < 3; ++round) {
    create("ci");
    const Machine master = enrolled("ci", "m", 1), worker = enrolled("ci", "w", 2);
    CHECK(ask("GET", "/v1/document", {}, master.peer).status == 200);
    REQUIRE(ask("DELETE", "/v1/operator/clusters/ci").status == 200);
    REQUIRE(reports.flush(store));
    CHECK(tombstone(master).node == "m-1");
    // It kept it: one row less.
    REQUIRE(ask("DELETE", "/v1/document", {}, master.peer).status == 200);
    CHECK(ask("GET", "/v1/document", {}, master.peer).body["kind"] == "identity_unknown");
  }
  CHECK(audit("tombstone-taken").size() == 3);
  auto after = rows();
  CHECK(after["tombstone"] == 3);
  CHECK(after["ended-token"] == 12);
  CHECK(after["schedule"] == 18);  // of each end two, of each token one
  for (const char* kind : {"tombstone", "ended-token", "schedule"}) after.erase(kind);
  CHECK(after == before);
  pass(1h);
  pass(24h * 90);
  CHECK(rows() == before);
}

TEST_CASE_FIXTURE(OnDemand, "a member whose time to live is over goes alone") {
  make_template(", ttl: 1h");
  create("ci");
  const Machine master = enrolled("ci", "m", 1), worker = enrolled("ci", "w", 2);
  pass(30min);
  const Machine younger = enrolled("ci", "w", 3);
  pass(30min);
  CHECK(audit("member-expired") == std::vector<std::string>{"expiry ci/w-1"});
  CHECK(tombstone(worker).on_delete == OnDelete::poweroff);
  CHECK_FALSE(current.document("ci", "w-1"));
  for (const Machine* machine : {&master, &younger})
    CHECK(ask("GET", "/v1/document", {}, machine->peer).body["payloadType"] ==
          "application/vnd.muster.node-document.v1+json");
  // Its name and address are free after their quarantine.
  CHECK(enrol(Machine(), token("ci", "w"), 2).error().code == "address_taken");
  pass(15min);
  CHECK(enrolled("ci", "w", 2).peer.certificate->common_name() == "w-1");
}

TEST_CASE_FIXTURE(OnDemand, "whoever asks shortly before the end asks again right after it") {
  create("ci", 10min);
  const Machine master = enrolled("ci", "m", 1);
  Report report;
  report.verdict = Verdict::converged;
  hear({"ci", "m-1"}, report);
  time += 10min - 3s;
  RequestHead head;
  head.method = "GET";
  head.path = "/v1/document";
  auto admission = router.admit(head, master.peer, "r1");
  Request request;
  request.method = "GET";
  request.path = head.path;
  request.peer = master.peer;
  request.route = admission.route;
  const auto answer = router.answer(request);
  CHECK(std::find(answer.headers.begin(), answer.headers.end(),
                  std::pair<std::string, std::string>{"Cache-Control", "private, max-age=5"}) !=
        answer.headers.end());
}

TEST_CASE_FIXTURE(OnDemand,
                  "a clock that is set ahead ends nothing, until an operator vouches for it") {
  make_template(", ttl: 240h");
  create("ci", 24h * 30);
  const Machine master = enrolled("ci", "m", 1), worker = enrolled("ci", "w", 2);
  pass(1h);
  const auto before = rows();
  for (const auto step : {24h * 31, 24h, -24h, -24h * 31}) {
    time += step;
    set_by += step;
    const auto clock_now = ask("GET", "/v1/operator/status").body.at("clock");
    CHECK(clock_now.at("believed") == false);
    CHECK(clock_now.at("lead") == step / 1s);
    pass(5s);
    CHECK(rows() == before);
    CHECK(warnings.empty());
    time -= step;
    set_by -= step;
    CHECK(ask("GET", "/v1/operator/clock").body.at("believed") == true);
    pass(1s);
    CHECK(rows() == before);
  }
  time += 24h * 31;
  set_by += 24h * 31;
  const auto confirm = [&](std::chrono::seconds off) {
    return ask("POST", "/v1/operator/clock/confirm", {{"time", unix_seconds(time + off)}});
  };
  CHECK(confirm(-24h * 31).body.at("kind") == "clock_differs");
  pass(0s);
  CHECK(rows() == before);
  CHECK(confirm(4min).body.at("believed") == true);
  pass(0s);
  CHECK(rows()["cluster"] == 0);
  CHECK(audit("clock-confirmed") == std::vector<std::string>{"operator root clock"});
  CHECK(audit("cluster-expired") == std::vector<std::string>{"expiry ci"});
}

TEST_CASE_FIXTURE(OnDemand, "what fails keeps nothing else waiting, and is tried again") {
  Transaction transaction;
  put_scheduled({1, "nonsense", "x", {}}, transaction);
  REQUIRE(store.commit(transaction));
  create("ci", 10min);
  time += 10min;
  const auto done = scheduler.carry_out_due();
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "nonsense x: expected cluster, member, released, lapse or sweep");
  CHECK(audit("cluster-expired").size() == 1);
  CHECK(rows()["schedule"] == 4);  // what failed, and when the cluster's and its tokens lapse
}
