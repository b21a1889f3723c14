// What an agent tells and takes from a server of another version.
#include "client/metadata_client.hpp"

#include <doctest/doctest.h>

#include "client/etcd_turn.hpp"
#include "document/document_format.hpp"
#include "fakes/fake_http_service.hpp"

using namespace muster;

namespace {

MetadataClient client_of(const FakeHttpService& service) {
  HttpClientSettings settings;
  settings.base_url = service.url();
  return MetadataClient(settings);
}

}  // namespace

TEST_CASE("whoever asks for a document says which format it reads") {
  FakeHttpService service([](const std::string&) { return HttpReply{304, "", {}}; });
  REQUIRE(client_of(service).document("\"sha256:x\""));
  CHECK(service.requests().at(0).find(fmt::format("Muster-Document-Format: {}\r\n",
                                                  newest_document_format)) != std::string::npos);
}

TEST_CASE("what a newer server adds to its answers is passed over") {
  FakeHttpService service([](const std::string& head) {
    if (head.starts_with("GET /v1/trust"))
      return HttpReply{
          200,
          R"({"chain":[{"payload":"YQ==","payloadType":"t","signatures":[{"keyid":"k","sig":"YQ==","x":1}],"x":1}],"x":1})",
          {}};
    if (head.starts_with("GET /v1/secrets/"))
      return HttpReply{200, R"({"value":"YQ==","rotatesAt":7})", {}};
    if (head.starts_with("POST /v1/nonce")) return HttpReply{200, R"({"nonce":"n","x":{}})", {}};
    if (head.starts_with("POST /v1/certificates"))
      return HttpReply{
          200,
          R"({"certificates":[{"name":"a","certificate":"c","authority":"d","notAfter":7}],"x":1})",
          {}};
    return HttpReply{202, R"({"fingerprint":"f","pollAfter":5,"place":{"queue":3}})", {}};
  });
  auto client = client_of(service);
  CHECK(client.trust().value().size() == 1);
  CHECK(client.secret("s", 1).value() == "a");
  CHECK(client.certificates({{"a", "csr"}}).value().at(0).certificate_pem == "c");
  const auto key = PrivateKey::generate_p256().value();
  CHECK(client.enrol(key, {}, {}).value().fingerprint == "f");
  const auto turn = parse_etcd_turn_answer(
      R"({"action":"wait","initialCluster":"","members":[],"reason":"r","pollAfterMs":5,"leader":"m1"})");
  CHECK(turn.value().reason == "r");
}

TEST_CASE("what decides a right is refused where a part of it is not understood") {
  CHECK(
      parse_etcd_turn_request(
          R"({"clusterId":"","hasData":false,"memberId":"","peerAnswered":false,"stateMountPresent":true,"wasRestored":true})")
          .error()
          .message ==
      "etcd turn request: refused, 1 problem:\n/wasRestored: unknown field, expected one of clusterId, hasData, memberId, peerAnswered, stateMountPresent");
}
