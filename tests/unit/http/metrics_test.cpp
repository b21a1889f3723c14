#include "http/metrics.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {
bool has(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}
}  // namespace

TEST_CASE("requests are counted by pattern, and timed") {
  Metrics metrics;
  metrics.count_request(ListenerKind::node, "GET", "/v1/document", 200,
                        std::chrono::microseconds(700));
  metrics.count_request(ListenerKind::node, "GET", "/v1/document", 200,
                        std::chrono::microseconds(3000));
  metrics.count_request(ListenerKind::node, "GET", "/v1/document", 403,
                        std::chrono::microseconds(100));
  const std::string text = metrics.text();
  CHECK(has(text, R"(muster_http_requests_total{listener="node",method="GET",)"
                  R"(route="/v1/document",status="200"} 2)"));
  CHECK(has(text, R"(muster_http_requests_total{listener="node",method="GET",)"
                  R"(route="/v1/document",status="403"} 1)"));
  CHECK(has(text, R"(muster_http_request_seconds_count{listener="node",route="/v1/document"} 3)"));
  CHECK(has(text, R"(muster_http_request_seconds_bucket{listener="node",route="/v1/document",)"
                  R"(le="0.001"} 2)"));
}

TEST_CASE(
    "connections and certificates are asked for at each scrape; what is gone leaves no series") {
  Metrics metrics;
  ListenerCounters counters;
  counters.open = 3;
  counters.deadline_passed = 2;
  metrics.watch(ListenerKind::enrol, counters);
  std::vector<CertificateExpiry> expiries = {{"lab", "n1", "machine", 1795242048}};
  metrics.set_expiries([&] { return expiries; });
  std::string text = metrics.text();
  CHECK(has(text, R"(muster_http_connections{listener="enrol"} 3)"));
  CHECK(has(text, R"(muster_http_connection_events_total{event="deadline_passed",)"
                  R"(listener="enrol"} 2)"));
  CHECK(has(text, R"(muster_certificate_not_after_seconds{cluster="lab",kind="machine",)"
                  R"(name="n1"} 1795242048)"));
  counters.open = 1;
  expiries.clear();
  text = metrics.text();
  CHECK(has(text, R"(muster_http_connections{listener="enrol"} 1)"));
  CHECK(text.find("name=\"n1\"") == std::string::npos);
}

TEST_CASE("artifacts that wait for their zstd form are counted at each scrape") {
  Metrics metrics;
  CHECK(metrics.text().find("muster_artifact_encodings_pending") == std::string::npos);
  std::size_t pending = 3;
  metrics.set_encodings_pending([&] { return pending; });
  CHECK(has(metrics.text(), "muster_artifact_encodings_pending 3"));
  pending = 0;
  CHECK(has(metrics.text(), "muster_artifact_encodings_pending 0"));
}

TEST_CASE("machines are counted by cluster and configuration, never by name") {
  Metrics metrics;
  metrics.set_machines([] {
    return std::vector<MachineCount>{{"lab", {{"settled", 4}, {"fallen-back", 1}}, 2, 1}};
  });
  const std::string text = metrics.text();
  CHECK(has(text, "muster_machines{cluster=\"lab\",configuration=\"settled\"} 4"));
  CHECK(has(text, "muster_machines{cluster=\"lab\",configuration=\"fallen-back\"} 1"));
  CHECK(has(text, "muster_machines{cluster=\"lab\",configuration=\"refused\"} 0"));
  CHECK(has(text, "muster_machines_unwell{cluster=\"lab\"} 2"));
  CHECK(has(text, "muster_machines_two_histories{cluster=\"lab\"} 1"));
}
