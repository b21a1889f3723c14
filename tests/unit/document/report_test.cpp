#include "document/report.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "sample_document.hpp"

using namespace muster;

namespace {
Report sample_report() {
  Report report;
  report.machine_id = "0123456789abcdef0123456789abcdef";
  report.boot_id = "b";
  report.counter = 9;
  report.agent_version = "0.1.0";
  report.document_digest = sample::digest_a;
  report.generation = 7;
  report.verdict = Verdict::pending_changes;
  report.failure_class = "disk";
  report.message = "one\ntwo";
  report.offline = true;
  report.pending = {"kubelet: maxPods 110 -> 120"};
  report.phases = {{"kernel", 100, 2000, ""}, {"fetch", 2000, 0, "10.77.0.1"}};
  report.etcd_cluster_id = "c";
  report.etcd_member_id = "m";
  report.sent_at = 1700000000;
  return report;
}
}  // namespace

TEST_CASE("a report round-trips byte for byte") {
  const std::string golden = sample::golden("golden/document/report.json");
  CHECK(to_json(sample_report()) == golden);
  CHECK(to_json(parse_report(golden).value()) == golden);
}

TEST_CASE("a netbooted machine tells its image, and that it goes down") {
  Report report = sample_report();
  CHECK(to_json(report).find("bootImage") == std::string::npos);
  CHECK(to_json(report).find("stopping") == std::string::npos);
  report.boot_image = "image-tower/" + std::string(200, '2');
  report.is_stopping = true;
  const auto read = parse_report(to_json(report)).value();
  CHECK(read.boot_image.size() == 128);
  CHECK(read.is_stopping);
}

TEST_CASE("long strings of a report are cut at a character, long lists are refused") {
  Report report = sample_report();
  report.agent_version = std::string(127, 'a') + "ü";
  report.message = std::string(9000, 'm');
  const auto read = parse_report(to_json(report)).value();
  CHECK(read.agent_version == std::string(127, 'a'));
  CHECK(read.message.size() == 8192);
  report.pending.assign(201, "x");
  report.failure_class = "mood";
  CHECK(
      parse_report(to_json(report)).error().message ==
      "report: refused, 2 problems:\n"
      "/pending: expected at most 200 rows, found 201\n"
      "/failureClass: expected nothing or one of identity, document, clock, network, disk, package, runtime, kubelet, etcd, api, found 'mood'");
  CHECK(parse_report(std::string(300000, ' ')).error().kind == ErrorKind::exhausted);
}

TEST_CASE("a report may tell of the duties, as many rows as of anything") {
  Report report = sample_report();
  report.duties =
      DutiesReport{9, {"n9"}, {{"n1", false, "pod ci/web: its budget"}, {"n2", true, ""}}};
  const auto read = parse_report(to_json(report)).value();
  REQUIRE(read.duties);
  CHECK(read.duties->peers_generation == 9);
  CHECK(read.duties->leaving == std::vector<std::string>{"n9"});
  CHECK(read.duties->drains[0].message == "pod ci/web: its budget");
  CHECK(read.duties->drains[1].is_done);
  report.duties->leaving.assign(201, "n");
  CHECK(parse_report(to_json(report)).error().message ==
        "report: refused, 1 problem:\n/duties/leaving: expected at most 200 rows, found 201");
}

TEST_CASE("the server's answer round-trips") {
  CHECK(to_json(ReportAnswer{std::chrono::seconds(5), true, {}}) ==
        R"({"converge":true,"pollAfter":5})");
  CHECK(parse_report_answer(R"({"converge":true,"pollAfter":5})").value().poll_after.count() == 5);
  CHECK(parse_report_answer(R"({"pollAfter":-5})").error().message ==
        "report answer: refused, 2 problems:\n"
        "/pollAfter: expected a whole number from 0 to 4294967295, found -5\n"
        "/converge: expected true or false, found nothing");
}

TEST_CASE("a report may ask for its machine's turn, and is told what it waits for") {
  Report report = sample_report();
  CHECK(to_json(report).find("asksTurn") == std::string::npos);  // left out at its default
  report.asks_turn = true;
  CHECK(parse_report(to_json(report))->asks_turn);
  ReportAnswer answer{std::chrono::seconds(5), false, "m1 has the turn"};
  CHECK(to_json(answer) == R"({"converge":false,"pollAfter":5,"turnWaitsFor":"m1 has the turn"})");
  CHECK(parse_report_answer(to_json(answer))->turn_waits_for == "m1 has the turn");
  CHECK(parse_report_answer(R"({"converge":true,"pollAfter":5})")->turn_waits_for.empty());
}

TEST_CASE("configuration and health are two judgements") {
  Report report = sample_report();
  report.configuration = Configuration::fallen_back;
  report.fetched_digest = "sha256:f";
  report.refused_document = RefusedDocument{"sha256:f", "kubelet exits"};
  report.unwell = {{"kubelet", "NotReady", 1700000000}};
  report.failure =
      FailureDetail{"kubelet.service", std::vector<std::string>(50, "line"), "mend the setting"};
  report.failure->log.back() = "the last";
  const auto read = parse_report(to_json(report)).value();
  CHECK(read.configuration == Configuration::fallen_back);
  CHECK(read.fetched_digest == "sha256:f");
  CHECK(read.pending_digest.empty());
  CHECK(read.refused_document->reason == "kubelet exits");
  CHECK(read.unwell.at(0).subject == "kubelet");
  CHECK(read.unwell.at(0).since == 1700000000);
  CHECK(read.failure->unit == "kubelet.service");
  CHECK(read.failure->log.size() == 40);
  CHECK(read.failure->log.back() == "the last");
  CHECK(read.failure->cure == "mend the setting");
}

TEST_CASE("what a newer program adds to a report or an answer is passed over") {
  const std::string text = to_json(sample_report());
  const auto read = parse_report(R"({"mood":{"a":1},)" + text.substr(1));
  REQUIRE(read);
  CHECK(to_json(*read) == text);
  CHECK(parse_report_answer(R"({"converge":true,"mood":[1],"pollAfter":5})").value().converge);
}

TEST_CASE("a report of an agent before 0.3 is read, and says nothing of what came later") {
  const auto read = parse_report(sample::golden("golden/document/report.json")).value();
  CHECK(read.document_format == 1);
  CHECK_FALSE(read.configuration);
  Report later = sample_report();
  later.document_format = 2;
  CHECK(parse_report(to_json(later))->document_format == 2);
}

TEST_CASE("a report says whom a master saw hold the Lease; of an agent before 0.3 nothing") {
  Report report = sample_report();
  CHECK_FALSE(parse_report(to_json(report))->lease_holder);
  report.lease_holder = "";
  CHECK(parse_report(to_json(report))->lease_holder == "");
  report.lease_holder = "m-2";
  CHECK(parse_report(to_json(report))->lease_holder == "m-2");
}

TEST_CASE("a report tells of two contents of one generation") {
  Report report = sample_report();
  report.contradiction = Contradiction{"document", 7, sample::digest_a, "sha256:b"};
  const auto read = parse_report(to_json(report)).value().contradiction;
  REQUIRE(read);
  CHECK(read->of == "document");
  CHECK(read->generation == 7);
  CHECK(read->taken == sample::digest_a);
  CHECK(read->refused == "sha256:b");
}

TEST_CASE("times that no clock shows are cut to what can be reckoned with") {
  Report report = sample_report();
  report.sent_at = std::numeric_limits<std::int64_t>::max();
  report.phases = {{"kernel", std::numeric_limits<std::int64_t>::min(),
                    std::numeric_limits<std::int64_t>::max(), ""}};
  report.unwell = {{"kubelet", "NotReady", std::numeric_limits<std::int64_t>::min()}};
  const auto read = parse_report(to_json(report)).value();
  CHECK(read.sent_at == 253402300799);
  CHECK(read.sent_at * 1000 > 0);
  CHECK(read.phases[0].start_us == 0);
  CHECK(read.phases[0].end_us == 253402300799000000);
  CHECK(read.unwell[0].since == 0);
}
