#include "enrolment/enrol_request.hpp"

#include <doctest/doctest.h>

#include "document/strict_json.hpp"
#include "enrolment/pending.hpp"

using namespace muster;

namespace {
nlohmann::json request() {
  return {{"nonce", "n"},
          {"csr", "c"},
          {"proof", "cHJvb2Y="},
          {"token", "t"},
          {"hints",
           {{"macs", {"02:4d:55:00:00:15"}},
            {"uuid", "u"},
            {"serial", "s"},
            {"hostname", "h"},
            {"machineId", "m"},
            {"bootId", "b"}}}};
}
std::string problems_of(const nlohmann::json& json) {
  const auto parsed = parse_enrol_request(json.dump());
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::invalid);
  return parsed.error().message;
}
}  // namespace

TEST_CASE("an enrol request is read whole; token and hints may be left out") {
  const auto parsed = parse_enrol_request(request().dump());
  REQUIRE(parsed);
  CHECK(parsed->proof.signature == "proof");
  CHECK(parsed->hints.macs == std::vector<std::string>{"02:4d:55:00:00:15"});
  CHECK(parsed->hints.boot_id == "b");
  auto least = request();
  least.erase("token");
  least.erase("hints");
  CHECK(parse_enrol_request(least.dump())->token.empty());
}

TEST_CASE("every problem of a request is told, and what is foreign is refused") {
  auto json = request();
  json.erase("nonce");
  json["proof"] = "?";
  json["role"] = "master";
  CHECK(
      problems_of(json) ==
      "enrol request: refused, 3 problems:\n/nonce: expected a string, found nothing\n/proof: expected base64\n/role: unknown field, expected one of csr, hints, instanceIdentity, nonce, proof, token");
}

TEST_CASE("what a machine says of itself is refused when it is long, never cut") {
  auto json = request();
  json["hints"]["serial"] = std::string(257, 's');
  json["hints"]["macs"] = std::vector<std::string>(33, "m");
  CHECK(
      problems_of(json) ==
      "enrol request: refused, 2 problems:\n/hints/macs: expected at most 32, found 33\n/hints/serial: expected at most 256 bytes, found 257");
  json = request();
  json["hints"]["macs"] = {std::string(257, 'm')};
  CHECK(
      problems_of(json) ==
      "enrol request: refused, 1 problem:\n/hints/macs: expected at most 256 bytes each, found 257");
  json = request();
  json["hints"]["hostname"] = std::string(256, 'h');
  CHECK(parse_enrol_request(json.dump()));
}

TEST_CASE("an instance identity document is held to what EC2 gives") {
  auto json = request();
  json["instanceIdentity"] = std::string(16384, 'A');
  CHECK(parse_enrol_request(json.dump())->instance_identity.size() == 16384);
  json["instanceIdentity"] = std::string(16385, 'A');
  CHECK(
      problems_of(json) ==
      "enrol request: refused, 1 problem:\n/instanceIdentity: expected at most 16384 bytes, found 16385");
}

TEST_CASE("hints with quotes and control bytes come back as they were, escaped in the record") {
  PendingMachine machine;
  machine.hints.hostname = "\"}\x1b[2J\n";
  const std::string record = to_json(machine);
  CHECK(record.find('\x1b') == std::string::npos);
  CHECK(record.find('\n') == std::string::npos);
  CHECK(parse_pending_machine(record)->hints.hostname == machine.hints.hostname);
}
