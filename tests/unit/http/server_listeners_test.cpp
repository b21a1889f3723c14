#include "http/server_listeners.hpp"

#include <doctest/doctest.h>

#include "client/http_client.hpp"
#include "fakes/fake_service.hpp"
#include "pki/certificate_authority.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::hours lifetime{24 * 30};
const TimePoint now = std::chrono::system_clock::now();

struct Front {
  CertificateAuthority authority = CertificateAuthority::create("servers", 24h * 400).value();
  CertificateAuthority machines = CertificateAuthority::create("machines", 24h * 400).value();
  FakeService service;
  Metrics metrics;
  int issued = 0;
  bool is_failing = false;
  ServerListeners listeners{service, metrics,
                            [this](ListenerKind, TimePoint at) { return issue(at); }};
  std::string address;

  Result<TlsServerSettings> issue(TimePoint at) {
    if (is_failing) return fail(ErrorKind::internal, "no more keys");
    ++issued;
    const auto key = PrivateKey::generate_p256().value();
    Subject subject;
    subject.common_name = "server";
    subject.server = true;
    subject.ip_addresses = {"127.0.0.1"};
    const auto certificate = authority.issue(key.public_key(), subject, lifetime, at).value();
    return TlsServerSettings{certificate.pem(), key.pem(), machines.certificate().pem(),
                             ClientCertificate::optional};
  }
  void open(TimePoint at) {
    ListenerSettings settings;
    settings.kind = ListenerKind::enrol;
    settings.address = "127.0.0.1:0";
    settings.tls = true;
    REQUIRE(listeners.open({settings}, at));
    const std::string text = listeners.describe();  // "enrol 127.0.0.1:40123, "
    address = text.substr(6, text.size() - 8);
  }
  // Whether a client takes its certificate now.
  [[nodiscard]] bool is_trusted() const {
    HttpClientSettings settings;
    settings.base_url = "https://" + address;
    settings.tls.authorities_pem = authority.certificate().pem();
    HttpRequest request;
    request.path = "/small";
    return HttpClient(settings).send(request).has_value();
  }
};

}  // namespace

TEST_CASE("a certificate from a clock that was ahead is issued anew when the clock is right") {
  Front front;
  front.open(now + 24h * 40);
  CHECK_FALSE(front.is_trusted());
  CHECK(front.listeners.keep_certificates_valid(now + 24h * 40));
  CHECK(front.issued == 1);
  CHECK(front.listeners.keep_certificates_valid(now));
  CHECK(front.issued == 2);
  CHECK(front.is_trusted());
  CHECK(front.listeners.check_alive());
  front.listeners.stop(0ms);
}

TEST_CASE("it is issued anew half way through its time, and again after a failure") {
  Front front;
  front.open(now);
  CHECK(front.listeners.keep_certificates_valid(now + lifetime / 2 - 1h));
  CHECK(front.issued == 1);
  front.is_failing = true;
  CHECK_FALSE(front.listeners.keep_certificates_valid(now + lifetime / 2));
  CHECK_FALSE(front.listeners.keep_certificates_valid(now + lifetime / 2));
  front.is_failing = false;
  CHECK(front.listeners.keep_certificates_valid(now + lifetime / 2));
  CHECK(front.issued == 2);
  CHECK(front.listeners.keep_certificates_valid(now + lifetime / 2));
  CHECK(front.issued == 2);
  CHECK(front.listeners.keep_certificates_valid(now - 24h * 40));
  CHECK(front.issued == 3);
  front.listeners.stop(0ms);
}
