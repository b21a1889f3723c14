#include "pki/tls_settings.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "pki/certificate_authority.hpp"

namespace muster {

namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

struct Pair {
  std::string certificate, key;
};

Pair issue(const CertificateAuthority& ca, bool server, TimePoint now = system_clock::now(),
           std::chrono::seconds lifetime = 1h) {
  const auto key = PrivateKey::generate_p256();
  Subject subject;
  subject.common_name = "n1";
  subject.dns_names = {"server"};
  subject.ip_addresses = {"10.77.0.1"};
  subject.client = !server;
  subject.server = server;
  return {ca.issue(key->public_key(), subject, lifetime, now)->pem(), key->pem()};
}

struct Outcome {
  bool complete = false;
  bool peer_certificate = false;  // the server saw one
  long verify_result = 0;         // of the client
  int version = 0;
};

// Both ends in one thread over a pair of memory buffers; one byte after the handshake, because in
// TLS 1.3 a server refuses a client certificate only after the client has finished.
Outcome shake_hands(SSL_CTX* server_context, SSL_CTX* client_context, const char* host = "server") {
  const std::shared_ptr<SSL> server(SSL_new(server_context), SSL_free);
  const std::shared_ptr<SSL> client(SSL_new(client_context), SSL_free);
  BIO* server_end = nullptr;
  BIO* client_end = nullptr;
  REQUIRE(BIO_new_bio_pair(&server_end, 0, &client_end, 0) == 1);
  SSL_set_bio(server.get(), server_end, server_end);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client.get()), host) != 1)
    SSL_set1_host(client.get(), host);
  Outcome outcome;
  char byte = 0;
  for (int turn = 0; turn < 20 && !outcome.complete; ++turn) {
    (void)SSL_do_handshake(client.get());
    if (SSL_do_handshake(server.get()) == 1) SSL_write(server.get(), "x", 1);
    outcome.complete = SSL_read(client.get(), &byte, 1) == 1;
  }
  const std::shared_ptr<X509> peer(SSL_get1_peer_certificate(server.get()), X509_free);
  outcome.peer_certificate = peer != nullptr;
  outcome.verify_result = SSL_get_verify_result(client.get());
  outcome.version = SSL_version(client.get());
  ERR_clear_error();
  return outcome;
}

// A site with its two authorities, one server and one way to be its client.
struct Site {
  CertificateAuthority machines = CertificateAuthority::create("machines", 24h).value();
  CertificateAuthority servers = CertificateAuthority::create("servers", 24h).value();
  Pair server = issue(servers, true);

  [[nodiscard]] SslContext listener(ClientCertificate mode) const {
    return make_server_context({.certificate_pem = server.certificate,
                                .key_pem = server.key,
                                .client_authorities_pem = machines.certificate().pem(),
                                .client_certificate = mode})
        .value();
  }
  [[nodiscard]] SslContext client(const Pair& pair = {}) const {
    return make_client_context({.authorities_pem = servers.certificate().pem(),
                                .certificate_pem = pair.certificate,
                                .key_pem = pair.key})
        .value();
  }
  [[nodiscard]] Outcome try_client(ClientCertificate mode, const Pair& pair) const {
    return shake_hands(listener(mode).get(), client(pair).get());
  }
};

constexpr auto required = ClientCertificate::required;
constexpr auto optional = ClientCertificate::optional;

}  // namespace

TEST_CASE("contexts: TLS 1.3 alone, and nothing by which a session could be resumed") {
  const Site site;
  for (const auto& context : {site.listener(required), site.listener(optional), site.client()}) {
    SSL_CTX* native = context.get();
    CHECK(SSL_CTX_get_min_proto_version(native) == TLS1_3_VERSION);
    CHECK(SSL_CTX_get_max_proto_version(native) == TLS1_3_VERSION);
    CHECK((SSL_CTX_get_options(native) & SSL_OP_NO_TICKET) != 0);
    CHECK(SSL_CTX_get_session_cache_mode(native) == SSL_SESS_CACHE_OFF);
    CHECK(SSL_CTX_get_num_tickets(native) == 0);
    CHECK((SSL_CTX_get_mode(native) & SSL_MODE_NO_AUTO_CHAIN) != 0);
  }
}

TEST_CASE("node listener: a certificate of a machine passes, nothing else") {
  const Site site;
  const auto passed = site.try_client(required, issue(site.machines, false));
  CHECK(passed.complete);
  CHECK(passed.peer_certificate);
  CHECK(passed.version == TLS1_3_VERSION);
  CHECK_FALSE(site.try_client(required, {}).complete);
  const auto foreign = CertificateAuthority::create("machines", 24h);
  CHECK_FALSE(site.try_client(required, issue(*foreign, false)).complete);
  // The one is over or not begun by a clock that may be wrong: its owner is let in, and judged.
  CHECK(site.try_client(required, issue(site.machines, false, system_clock::now() - 2h)).complete);
  CHECK(site.try_client(required, issue(site.machines, false, system_clock::now() + 2h)).complete);
  // A certificate of a server is none of a client.
  CHECK_FALSE(site.try_client(required, issue(site.machines, true)).complete);
}

TEST_CASE("enrol listener: none or one of any dates passes, a foreign one does not") {
  const Site site;
  const auto without = site.try_client(optional, {});
  CHECK(without.complete);
  CHECK_FALSE(without.peer_certificate);
  const auto valid = site.try_client(optional, issue(site.machines, false));
  CHECK(valid.complete);
  CHECK(valid.peer_certificate);
  const auto expired =
      site.try_client(optional, issue(site.machines, false, system_clock::now() - 2h));
  CHECK(expired.complete);
  CHECK(expired.peer_certificate);
  const auto foreign = CertificateAuthority::create("machines", 24h);
  CHECK_FALSE(site.try_client(optional, issue(*foreign, false)).complete);
  CHECK_FALSE(site.try_client(optional, issue(*foreign, false, system_clock::now() - 2h)).complete);
  CHECK_FALSE(site.try_client(optional, issue(site.machines, true)).complete);
  // Issued while the server's clock was ahead.
  CHECK(site.try_client(optional, issue(site.machines, false, system_clock::now() + 1h)).complete);
}

TEST_CASE("an expired authority is not forgiven") {
  Site site;
  const auto key = PrivateKey::generate_p256();
  auto old = CertificateAuthority::create("machines", -1min);
  REQUIRE(old);
  site.machines = *old;
  CHECK_FALSE(
      site.try_client(optional, issue(site.machines, false, system_clock::now() - 2min, 30s))
          .complete);
}

TEST_CASE("client: the server's chain, host name and address are checked") {
  const Site site;
  const auto listener = site.listener(optional);
  CHECK(shake_hands(listener.get(), site.client().get(), "server").complete);
  CHECK(shake_hands(listener.get(), site.client().get(), "10.77.0.1").complete);
  const auto other_name = shake_hands(listener.get(), site.client().get(), "other");
  CHECK_FALSE(other_name.complete);
  CHECK(other_name.verify_result == X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(shake_hands(listener.get(), site.client().get(), "10.77.0.2").verify_result ==
        X509_V_ERR_IP_ADDRESS_MISMATCH);
  const Site other;
  CHECK_FALSE(shake_hands(listener.get(), other.client().get()).complete);
  const auto first_contact = make_client_context({"", "", "", false});
  REQUIRE(first_contact);
  CHECK(shake_hands(listener.get(), first_contact->get()).complete);
}

TEST_CASE("client: without dates an expired server passes, another chain or name does not") {
  Site site;
  site.server = issue(site.servers, true, system_clock::now() - 2h);
  const auto listener = site.listener(optional);
  const auto undated = [](const Site& trusted) {
    return make_client_context({.authorities_pem = trusted.servers.certificate().pem(),
                                .certificate_pem = {},
                                .key_pem = {},
                                .verify_server = true,
                                .check_dates = false})
        .value();
  };
  CHECK_FALSE(shake_hands(listener.get(), site.client().get()).complete);
  CHECK(shake_hands(listener.get(), undated(site).get()).complete);
  CHECK_FALSE(shake_hands(listener.get(), undated(site).get(), "other").complete);
  CHECK_FALSE(shake_hands(listener.get(), undated(Site()).get()).complete);
}

TEST_CASE("older protocols are refused") {
  const Site site;
  const auto client = site.client();
  SSL_CTX_set_min_proto_version(client.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
  CHECK_FALSE(shake_hands(site.listener(optional).get(), client.get()).complete);
}

TEST_CASE("settings that cannot hold are refused") {
  const Site site;
  CHECK(
      make_client_context({}).error().message ==
      "TLS client: expected the authorities of the server, found none. Only first contact goes without.");
  CHECK(make_server_context({.certificate_pem = site.server.certificate,
                             .key_pem = PrivateKey::generate_p256()->pem(),
                             .client_authorities_pem = site.machines.certificate().pem()})
            .error()
            .message == "TLS server: TLS certificate 'n1': the key is not that of the certificate");
  CHECK(
      make_server_context({site.server.certificate, site.server.key, "", required})
          .error()
          .message ==
      "TLS server: client authorities: reading certificate 1 (PEM 'CERTIFICATE' expected): no start line");
}

}  // namespace muster
