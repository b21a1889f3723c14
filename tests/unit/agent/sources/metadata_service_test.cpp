// What each cloud's service is asked, and what its answers mean, over real sockets.
#include "agent/sources/metadata_service.hpp"

#include <doctest/doctest.h>

#include "agent/session/real_network.hpp"
#include "fakes/fake_host.hpp"
#include "fakes/fake_http_service.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  FakeHost machine;
  RealNetwork network;
  std::vector<std::string> notes;
  std::function<HttpReply(const std::string&)> answer;
  FakeHttpService service{[this](const std::string& head) { return answer(head); }};
  MetadataPatience patience{60s, 5s};  // only sleeps make the machine's clock go on

  Result<std::string> fetch(UserDataDialect dialect, const std::string& path) {
    const UserDataOrigin origin{dialect, service.url(), path};
    return fetch_user_data(origin, machine.host, network, patience,
                           [this](std::string_view line) { notes.emplace_back(line); });
  }
  Result<std::string> digitalocean() {
    return fetch(UserDataDialect::digitalocean, "/metadata/v1/user-data");
  }
  [[nodiscard]] std::chrono::nanoseconds waited() const {
    return machine.clock.boot_time - std::chrono::seconds(5);
  }
};

bool has(const std::string& head, const std::string& line) {
  return head.find(line + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "EC2 is asked for a token first, and for user-data with it") {
  answer = [](const std::string& head) {
    if (head.rfind("PUT /latest/api/token HTTP/1.1\r\n", 0) == 0) {
      return HttpReply{200, "the-token==", {}, {}, 0};
    }
    if (!has(head, "X-aws-ec2-metadata-token: the-token==")) return HttpReply{401, {}, {}, {}, 0};
    return HttpReply{200, "{}", {}, {}, 0};
  };
  CHECK(fetch(UserDataDialect::ec2, "/latest/user-data") == "{}");
  const auto requests = service.requests();
  REQUIRE(requests.size() == 2);
  CHECK(has(requests[0], "X-aws-ec2-metadata-token-ttl-seconds: 60"));
  CHECK(has(requests[0], "Content-Length: 0"));
  CHECK(requests[1].rfind("GET /latest/user-data HTTP/1.1\r\n", 0) == 0);
}

TEST_CASE_FIXTURE(Fixture, "an EC2 instance without IMDS says so at once") {
  answer = [](const std::string&) { return HttpReply{403, {}, {}, {}, 0}; };
  CHECK(fetch(UserDataDialect::ec2, "/latest/user-data").error().message ==
        "EC2 user-data: PUT " + service.url() + "/latest/api/token: expected 200, found 403");
  CHECK(waited() == 0s);
}

TEST_CASE_FIXTURE(Fixture, "a token that is no header's value is not sent") {
  answer = [](const std::string&) { return HttpReply{200, "a\r\nX: y", {}, {}, 0}; };
  CHECK(fetch(UserDataDialect::ec2, "/latest/user-data").error().message ==
        "EC2 user-data: PUT " + service.url() +
            "/latest/api/token: expected a token, found something that is no header's value");
}

TEST_CASE_FIXTURE(Fixture, "EC2's token is asked for anew after a 401") {
  answer = [this](const std::string& head) {
    const auto count = service.requests().size();
    if (head.rfind("PUT", 0) == 0) return HttpReply{200, fmt::format("t{}", count), {}, {}, 0};
    if (!has(head, "X-aws-ec2-metadata-token: t3")) return HttpReply{401, {}, {}, {}, 0};
    return HttpReply{200, "found", {}, {}, 0};
  };
  CHECK(fetch(UserDataDialect::ec2, "/latest/user-data") == "found");
}

TEST_CASE_FIXTURE(Fixture, "EC2's limit is 16 KiB") {
  std::size_t size = 16384;
  answer = [&](const std::string& head) {
    return HttpReply{200, head.rfind("PUT", 0) == 0 ? "t" : std::string(size, 'x'), {}, {}, 0};
  };
  CHECK(fetch(UserDataDialect::ec2, "/latest/user-data")->size() == 16384);
  ++size;
  CHECK(fetch(UserDataDialect::ec2, "/latest/user-data").error().message ==
        "EC2 user-data: GET " + service.url() +
            "/latest/user-data: expected an answer of at most 16384 bytes, found more");
}

TEST_CASE_FIXTURE(Fixture, "GCE is asked with its header and must answer with it") {
  std::vector<std::string> headers{"Metadata-Flavor: Google"};
  answer = [&](const std::string& head) {
    return has(head, "Metadata-Flavor: Google") ? HttpReply{200, "{}", headers, {}, 0}
                                                : HttpReply{403, {}, {}, {}, 0};
  };
  const std::string path = "/computeMetadata/v1/instance/attributes/user-data";
  CHECK(fetch(UserDataDialect::gce, path) == "{}");
  headers.clear();
  CHECK(
      fetch(UserDataDialect::gce, path).error().message ==
      "GCE user-data: GET " + service.url() + path +
          ": expected the header 'Metadata-Flavor: Google', found none: no metadata service of Google's");
}

TEST_CASE_FIXTURE(Fixture, "DigitalOcean and NoCloud are asked with one plain GET") {
  answer = [](const std::string& head) {
    const bool is_known = head.rfind("GET /metadata/v1/user-data HTTP/1.1\r\n", 0) == 0 ||
                          head.rfind("GET /s?mac=aa&f=user-data HTTP/1.1\r\n", 0) == 0;
    return HttpReply{is_known ? 200 : 400, "{}", {}, {}, 0};
  };
  CHECK(digitalocean() == "{}");
  CHECK(fetch(UserDataDialect::nocloud, "/s?mac=aa&f=user-data") == "{}");
  CHECK(service.requests().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a service that answers late, or 404 for a while, is waited for") {
  patience.attempt = 2s;
  answer = [this](const std::string&) {
    const auto count = service.requests().size();
    if (count == 1) return HttpReply{404, {}, {}, {}, 0};
    if (count == 2) return HttpReply{200, "late", {}, 4s, 0};
    if (count == 3) return HttpReply{200, "{\"sitePin\":", {}, {}, 10};
    return HttpReply{200, "found", {}, 100ms, 0};
  };
  CHECK(digitalocean() == "found");
  CHECK(service.requests().size() == 4);
  CHECK(waited() == 700ms);  // 100 + 200 + 400
  CHECK(notes ==
        std::vector<std::string>{"waiting for DigitalOcean user-data: GET " + service.url() +
                                 "/metadata/v1/user-data: expected 200, found 404"});
}

TEST_CASE_FIXTURE(Fixture, "Retry-After in seconds is kept, within the budget") {
  std::string after = "7";
  answer = [&](const std::string&) {
    return service.requests().size() == 1 ? HttpReply{503, {}, {"Retry-After: " + after}, {}, 0}
                                          : HttpReply{200, "found", {}, {}, 0};
  };
  CHECK(digitalocean() == "found");
  CHECK(waited() == 7s);
}

TEST_CASE_FIXTURE(Fixture, "what never comes is an error of one budget") {
  HttpReply reply{404, {}, {}, {}, 0};
  answer = [&](const std::string&) { return reply; };
  const auto never = [&](const std::string& last) {
    machine.clock.boot_time = 5s;
    const auto text = digitalocean();
    REQUIRE_FALSE(text);
    CHECK(text.error().kind == ErrorKind::unavailable);
    const auto budget = std::chrono::duration_cast<std::chrono::seconds>(patience.total);
    CHECK(text.error().message ==
          fmt::format(
              "DigitalOcean user-data: none within {} s; last: GET {}/metadata/v1/user-data: {}",
              budget.count(), service.url(), last));
    CHECK(waited() == budget);
  };
  never("expected 200, found 404");
  reply = {503, {}, {"Retry-After: 86400"}, {}, 0};
  never("expected 200, found 503");
  reply = {200, "half", {}, {}, 100};
  never("the connection ended before the answer did (Failed to read connection)");
  patience = {1s, 300ms};
  reply = {200, "late", {}, 600ms, 0};
  never("no complete answer within 300 ms");
}

TEST_CASE_FIXTURE(Fixture, "redirects and refusals are answers, at once") {
  for (const int status : {204, 301, 302, 400, 403, 405}) {
    answer = [&](const std::string&) {
      return HttpReply{status, {}, {"Location: http://127.0.0.1:1/"}, {}, 0};
    };
    CHECK(
        digitalocean().error().message ==
        fmt::format("DigitalOcean user-data: GET {}/metadata/v1/user-data: expected 200, found {}",
                    service.url(), status));
  }
  CHECK(waited() == 0s);
}

TEST_CASE_FIXTURE(Fixture, "a seed folder is read, not asked") {
  machine.files.put("/seed/user-data", "{}");
  const UserDataOrigin origin{UserDataDialect::folder, "", "/seed/user-data"};
  CHECK(fetch_user_data(origin, machine.host, network, patience, {}) == "{}");
}

TEST_CASE_FIXTURE(Fixture, "EC2's instance identity is asked for as its user-data is") {
  answer = [](const std::string& head) {
    if (head.rfind("PUT /latest/api/token HTTP/1.1\r\n", 0) == 0)
      return HttpReply{200, "t", {}, {}, 0};
    if (!has(head, "X-aws-ec2-metadata-token: t")) return HttpReply{401, {}, {}, {}, 0};
    return HttpReply{200, "MIIB\nAAAA\n", {}, {}, 0};
  };
  CHECK(fetch(UserDataDialect::ec2_identity, "/latest/dynamic/instance-identity/rsa2048") ==
        "MIIB\nAAAA\n");
  answer = [](const std::string&) { return HttpReply{404, {}, {}, {}, 0}; };
  CHECK(fetch(UserDataDialect::ec2_identity, "/x").error().message ==
        "EC2 instance identity: none within 60 s; last: PUT " + service.url() +
            "/latest/api/token: expected 200, found 404");
  CHECK(waited() == 60s);
}
