#include "agent/sources/settings_layer.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {
const std::string pin = "sha256:" + std::string(64, 'a');
}  // namespace

TEST_CASE("a place says what it says, and its fields have names") {
  const auto layer = parse_settings_layer(
      "F",
      R"({"sitePin":")" + pin +
          R"(","enrolServers":["https://10.77.0.1:8443"],"token":"t","cachePolicy":{"maxAgeDays":0}})");
  REQUIRE(layer);
  CHECK(layer->site_pin == pin);
  CHECK(layer->enrol_servers == std::vector<std::string>{"https://10.77.0.1:8443"});
  CHECK(layer->token == "t");
  CHECK(layer->maximum_cache_age_days == 0u);
  CHECK(layer->fields() ==
        std::vector<std::string>{"sitePin", "enrolServers", "token", "cachePolicy"});
  CHECK(parse_settings_layer("F", "{}")->fields().empty());
  CHECK(to_json_without_token(*layer) ==
        R"({"cachePolicy":{"maxAgeDays":0},"enrolServers":["https://10.77.0.1:8443"],"sitePin":")" +
            pin + R"("})");
}

TEST_CASE("every problem of a place is said at once") {
  const auto layer = parse_settings_layer(
      "F", R"({"sitePin":"abc","enrolServers":["http://x"],"token":7,"unknown":1})");
  REQUIRE_FALSE(layer);
  CHECK(
      layer.error().message ==
      "F: refused, 4 problems:\n"
      "/token: expected a string, found something else\n"
      "/sitePin: expected the site key's fingerprint, 'sha256:' and 64 hexadecimal digits, found 'abc'; `muster status` prints it on the server\n"
      "/enrolServers/0: expected a URL that starts with 'https://', found 'http://x'\n"
      "/unknown: unknown field, expected one of cachePolicy, enrolServers, sitePin, token");
}

TEST_CASE("a syntax error names its place and repeats no text, which may be the token") {
  const auto layer = parse_settings_layer("F", "{\n\"token\":\"s3cret");
  REQUIRE_FALSE(layer);
  CHECK(
      layer.error().message ==
      "F: refused, 1 problem:\n/: expected JSON, found parse error at line 2, column 16: syntax error while parsing value - invalid string: missing closing quote (byte 18)");
}

TEST_CASE("the kernel command line has a pin and servers, and never a token") {
  const auto layer = command_line_layer("quiet muster.token=x muster.pin=" + pin +
                                        " muster.server=https://a:1 muster.server=https://b:2\n");
  REQUIRE(layer);
  CHECK(layer->site_pin == pin);
  CHECK(layer->enrol_servers == std::vector<std::string>{"https://a:1", "https://b:2"});
  CHECK(layer->token.empty());
  CHECK(
      command_line_layer("muster.pin=x muster.server=http://y").error().message ==
      "kernel command line: refused, 2 problems:\n"
      "muster.pin: expected the site key's fingerprint, 'sha256:' and 64 hexadecimal digits, found 'x'; `muster status` prints it on the server\n"
      "muster.server: expected a URL that starts with 'https://', found 'http://y'");
}

TEST_CASE("a flat metadata document is refused with the problems of its settings") {
  const auto layer = parse_settings_layer(
      "F", R"({"myRole":"worker","myDomain":"n1.b.example","masterAddr":"10.77.0.11",)"
           R"("kubenodesAddr":"n1.b.example","domainsEnv":"BASE_DOMAIN=b.example )"
           R"(API_SERVER_DOMAIN=a.b.example ETCD_DOMAIN=e.b.example","muster":{"sitePin":"x"}})");
  REQUIRE_FALSE(layer);
  CHECK(
      layer.error().message ==
      "F: refused, 2 problems:\n"
      "/myRole: expected master, follower or node, found 'worker'\n"
      "/muster/sitePin: expected the site key's fingerprint, 'sha256:' and 64 hexadecimal digits, found 'x'; `muster status` prints it on the server");
}
