// TLS listeners with real handshakes: who gets in, who is refused in the handshake, and what each
// side is told.
#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "client/http_client.hpp"
#include "fakes/fake_service.hpp"
#include "fakes/raw_client.hpp"
#include "fakes/soon.hpp"
#include "http/listener.hpp"
#include "pki/certificate_authority.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

struct Identity {
  std::string certificate_pem, key_pem;
};

CertificateAuthority make_authority(std::string_view name) {
  auto made = CertificateAuthority::create(name, 24h);
  REQUIRE(made.has_value());
  return *made;
}

Identity issue(const CertificateAuthority& authority, std::string_view name, bool server,
               TimePoint now = std::chrono::system_clock::now()) {
  const auto key = PrivateKey::generate_p256();
  REQUIRE(key.has_value());
  Subject subject;
  subject.common_name = std::string(name);
  subject.server = server;
  subject.client = !server;
  if (server) subject.ip_addresses = {"127.0.0.1"};
  const auto certificate = authority.issue(key->public_key(), subject, 1h, now);
  REQUIRE(certificate.has_value());
  return {certificate->pem(), key->pem()};
}

struct TlsFront {
  CertificateAuthority server_authority = make_authority("servers");
  CertificateAuthority machines = make_authority("machines");
  FakeService service;
  std::unique_ptr<Listener> listener;

  explicit TlsFront(ClientCertificate client_certificate, std::chrono::milliseconds handshake = 10s,
                    unsigned event_threads = 2, std::size_t connections = 4096) {
    ListenerSettings settings;
    settings.kind = ListenerKind::node;
    settings.address = "127.0.0.1:0";
    settings.tls = true;
    settings.deadlines.handshake = handshake;
    settings.event_threads = event_threads;
    settings.connections = connections;
    settings.connections_per_machine = 3;
    auto opened = Listener::open(settings, service, context(client_certificate));
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    listener = std::move(*opened);
  }

  [[nodiscard]] SslContext context(ClientCertificate client_certificate) const {
    const Identity own = issue(server_authority, "server", true);
    auto made = make_server_context(
        {own.certificate_pem, own.key_pem, machines.certificate().pem(), client_certificate});
    REQUIRE(made.has_value());
    return *made;
  }

  [[nodiscard]] std::unique_ptr<HttpClient> client(const Identity& identity) const {
    HttpClientSettings settings;
    settings.base_url = "https://" + listener->address();
    settings.tls = {server_authority.certificate().pem(), identity.certificate_pem,
                    identity.key_pem, true};
    return std::make_unique<HttpClient>(settings);
  }

  [[nodiscard]] Result<HttpAnswer> ask(const Identity& identity,
                                       std::string_view authorities = {}) const {
    HttpClientSettings settings;
    settings.base_url = "https://" + listener->address();
    settings.tls.authorities_pem =
        authorities.empty() ? server_authority.certificate().pem() : std::string(authorities);
    settings.tls.certificate_pem = identity.certificate_pem;
    settings.tls.key_pem = identity.key_pem;
    HttpRequest request;
    request.path = "/small";
    return HttpClient(settings).send(request);
  }
};

}  // namespace

TEST_CASE("a machine with our certificate is served and known by it") {
  const TlsFront front(ClientCertificate::required);
  const auto answer = front.ask(issue(front.machines, "m1", false));
  REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().message));
  CHECK(answer->body == "m1");
  CHECK(Certificate::from_pem(answer->peer_certificate_pem)->common_name() == "server");
}

TEST_CASE("a missing or foreign client certificate ends the handshake") {
  const TlsFront front(ClientCertificate::required);
  const std::string url = "GET https://" + front.listener->address() + "/small";
  const auto none = front.ask({});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::unauthenticated);
  CHECK(none.error().message ==
        url + ": the server refused the TLS connection: certificate required");

  const auto foreign = front.ask(issue(make_authority("machines"), "m1", false));
  REQUIRE_FALSE(foreign.has_value());
  CHECK(foreign.error().kind == ErrorKind::unauthenticated);
  CHECK(front.service.answered == 0);
  CHECK(soon([&] { return front.listener->counters().handshake_failed >= 2; }));

  // The service judges its dates.
  const auto expired =
      front.ask(issue(front.machines, "m1", false, std::chrono::system_clock::now() - 5h));
  CHECK(expired.has_value());
}

TEST_CASE("the enrol listener takes no certificate and an expired one, but no foreign one") {
  const TlsFront front(ClientCertificate::optional);
  CHECK(front.ask({})->body == "small");
  CHECK(
      front.ask(issue(front.machines, "m1", false, std::chrono::system_clock::now() - 5h))->body ==
      "m1");
  CHECK_FALSE(front.ask(issue(make_authority("machines"), "m1", false)).has_value());
}

TEST_CASE("a client refuses a server of another authority and names the check") {
  const TlsFront front(ClientCertificate::optional);
  const auto answer = front.ask({}, make_authority("servers of others").certificate().pem());
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::unauthenticated);
  CHECK(answer.error().message.find(
            "the server's certificate was refused: unable to get local issuer certificate") !=
        std::string::npos);
}

TEST_CASE("kept TLS connections serve request after request") {
  const TlsFront front(ClientCertificate::required);
  const Identity identity = issue(front.machines, "m1", false);
  HttpClientSettings settings;
  settings.base_url = "https://" + front.listener->address();
  settings.tls = {front.server_authority.certificate().pem(), identity.certificate_pem,
                  identity.key_pem, true};
  HttpClient client(settings);
  HttpRequest request;
  request.path = "/small";
  for (int i = 0; i < 20; ++i) CHECK(client.send(request)->body == "m1");
  CHECK(front.listener->counters().accepted == 1);
}

TEST_CASE("requests of two TLS records in one packet are both answered") {
  const TlsFront front(ClientCertificate::required);
  const Identity identity = issue(front.machines, "m1", false);
  const auto context = make_client_context({front.server_authority.certificate().pem(),
                                            identity.certificate_pem, identity.key_pem, true});
  REQUIRE(context.has_value());
  const RawClient client(front.listener->address());
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context->get()), SSL_free);
  SSL_set_fd(ssl.get(), client.socket());
  REQUIRE(SSL_connect(ssl.get()) == 1);
  const struct timeval patience { 10, 0 };
  setsockopt(client.socket(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto cork = [&](int on) {
    setsockopt(client.socket(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  };
  cork(1);
  for (const std::string_view request : {"GET /small?name=a HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "GET /small?name=b HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    CHECK(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())) > 0);
  }
  cork(0);
  std::string received;
  char buffer[4096];
  while (received.find("m1 b") == std::string::npos) {
    const int count = SSL_read(ssl.get(), buffer, sizeof buffer);
    REQUIRE_MESSAGE(count > 0, received);
    received.append(buffer, static_cast<std::size_t>(count));
  }
  CHECK(received.find("m1 a") < received.find("m1 b"));
}

TEST_CASE("a client that only changes its keys is gone after some") {
  const TlsFront front(ClientCertificate::required);
  const Identity identity = issue(front.machines, "m1", false);
  const auto context = make_client_context({front.server_authority.certificate().pem(),
                                            identity.certificate_pem, identity.key_pem, true});
  REQUIRE(context.has_value());
  const auto answer_after = [&](int updates) {
    const RawClient client(front.listener->address());
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context->get()), SSL_free);
    SSL_set_fd(ssl.get(), client.socket());
    REQUIRE(SSL_connect(ssl.get()) == 1);
    const struct timeval patience { 10, 0 };
    setsockopt(client.socket(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < updates; ++i) {
      SSL_key_update(ssl.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
      if (SSL_do_handshake(ssl.get()) != 1) break;
    }
    const std::string_view request = "GET /small HTTP/1.1\r\nHost: x\r\n\r\n";
    SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
    char buffer[4096];
    const int count = SSL_read(ssl.get(), buffer, sizeof buffer);
    return std::string(buffer, static_cast<std::size_t>(std::max(count, 0)));
  };
  CHECK(answer_after(20).ends_with("m1"));
  CHECK(answer_after(1000).empty());
}

TEST_CASE("over TLS, too, a refusal is heard over what is still being sent") {
  TlsFront front(ClientCertificate::required);
  front.service.upload_limit = 1u << 30;
  const Identity machine = issue(front.machines, "m1", false);
  HttpClientSettings settings;
  settings.base_url = "https://" + front.listener->address();
  settings.tls.authorities_pem = front.server_authority.certificate().pem();
  settings.tls.certificate_pem = machine.certificate_pem;
  settings.tls.key_pem = machine.key_pem;
  HttpClient client(settings);
  HttpRequest large;
  large.method = "PUT";
  large.path = "/upload";
  large.body = std::string(60'000'000, 'u');
  for (int i = 0; i < 3; ++i) {
    const auto refused = client.send(large);
    REQUIRE_MESSAGE(refused.has_value(), (refused ? "" : refused.error().message));
    CHECK(refused->status == 429);
    CHECK(refused->body.find("the disk is full") != std::string::npos);
  }
  large.body.resize(700'000);
  CHECK(client.send(large)->body == "700000");
}

TEST_CASE("a client that never finishes the handshake meets its deadline") {
  const TlsFront front(ClientCertificate::required, 300ms);
  RawClient client(front.listener->address());
  client.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  CHECK(client.receive(10s).empty());
  CHECK(client.closed());
  CHECK(front.listener->counters().deadline_passed == 1);
}

TEST_CASE("new TLS settings hold for the next connection") {
  const TlsFront front(ClientCertificate::required);
  CHECK_FALSE(front.ask({}).has_value());
  front.listener->set_tls(front.context(ClientCertificate::optional));
  CHECK(front.ask({}).has_value());
}

namespace {

// What a TLS client says first.
std::string client_hello() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_connect(ssl);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
  std::string hello(bytes, static_cast<std::size_t>(size));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

// So many strangers of each network, who all ask for a handshake at once.
struct Handshakes {
  std::vector<std::unique_ptr<RawClient>> clients;

  Handshakes(const TlsFront& front, int networks, int each) {
    const std::uint64_t before = front.listener->counters().accepted;
    for (int i = 0; i < networks * each; ++i)
      clients.push_back(std::make_unique<RawClient>(
          front.listener->address(), fmt::format("127.{}.{}.{}", 1 + i % networks / 200,
                                                 i % networks % 200, 1 + i / networks / 60)));
    const auto all = static_cast<std::uint64_t>(before + clients.size());
    REQUIRE(soon([&] { return front.listener->counters().accepted >= all; }));
    const std::string hello = client_hello();
    for (const auto& client : clients) client->send(hello);
  }
  [[nodiscard]] int answered() const {
    int count = 0;
    for (const auto& client : clients) {
      struct pollfd asked {
        client->socket(), POLLIN, 0
      };
      char byte = 0;
      if (poll(&asked, 1, 0) == 1 && recv(client->socket(), &byte, 1, MSG_PEEK) == 1) ++count;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("handshakes have their turn by network: those of one do not come before another's") {
  const TlsFront front(ClientCertificate::required, 30s, 1);
  const Identity identity = issue(front.machines, "m1", false);
  const Handshakes flood(front, 1, 600);
  REQUIRE(front.ask(identity).has_value());
  CHECK(flood.answered() < 300);
}

TEST_CASE("where a machine or an operator came from before, handshakes have three turns of four") {
  const TlsFront front(ClientCertificate::required, 30s, 1);
  const Identity identity = issue(front.machines, "m1", false);
  REQUIRE(front.ask(identity).has_value());
  const Handshakes flood(front, 600, 1);
  REQUIRE(front.ask(identity).has_value());
  CHECK(flood.answered() < 300);
}

TEST_CASE("the wait for its turn is no part of the time that a handshake has") {
  const TlsFront front(ClientCertificate::required, 100ms, 1);
  std::vector<std::unique_ptr<RawClient>> clients;
  const std::string hello = client_hello();
  for (int i = 0; i < 1500; ++i) {
    clients.push_back(std::make_unique<RawClient>(front.listener->address(),
                                                  fmt::format("127.0.1.{}", 1 + i / 60)));
    clients.back()->send(hello);
  }
  for (const auto& client : clients) CHECK_FALSE(client->receive(10s, "\x16").empty());
}

TEST_CASE("whoever goes away while a handshake waits for its turn costs nobody anything") {
  const TlsFront front(ClientCertificate::required, 30s, 1, 640);
  const Identity identity = issue(front.machines, "m1", false);
  const std::string hello = client_hello();
  Handshakes gone(front, 1, 600);
  while (gone.clients.size() > 100) {
    const struct linger at_once = {1, 0};
    setsockopt(gone.clients.back()->socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    gone.clients.pop_back();
  }
  // What they asked for has its place among those that wait still.
  std::vector<std::unique_ptr<RawClient>> there;
  for (int i = 0; i < 500; ++i) {
    there.push_back(std::make_unique<RawClient>(front.listener->address(),
                                                fmt::format("127.9.1.{}", 1 + i / 60)));
    there.back()->send(hello);
  }
  REQUIRE(front.ask(identity).has_value());
  for (const auto& client : there) CHECK_FALSE(client->receive(10s, "\x16").empty());
}

TEST_CASE("of more connections than one certificate's name may have its oldest gives way") {
  const TlsFront front(ClientCertificate::required, 10s, 1);
  HttpRequest request;
  request.path = "/small";
  std::vector<std::unique_ptr<HttpClient>> kept;
  for (int i = 0; i < 6; ++i) {
    // Its next certificate is the same one's.
    kept.push_back(front.client(issue(front.machines, "m1", false)));
    CHECK(kept.back()->send(request)->body == "m1");
  }
  CHECK(front.listener->counters().open == 3);
  CHECK(front.listener->counters().gave_way == 3);
  kept.push_back(front.client(issue(front.machines, "m2", false)));
  CHECK(kept.back()->send(request)->body == "m2");
  CHECK(front.listener->counters().open == 4);
}

TEST_CASE("whoever has as many requests in progress as one name may is told so") {
  TlsFront front(ClientCertificate::required, 10s, 1);
  const Identity identity = issue(front.machines, "m1", false);
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  std::vector<std::thread> busy;
  std::atomic<int> answered{0};
  for (int i = 0; i < 3; ++i) {
    busy.emplace_back([&] {
      HttpRequest request;
      request.path = "/blocking";
      const auto answer = front.client(identity)->send(request);
      if (answer && answer->status == 200) ++answered;
    });
  }
  CHECK(soon([&] { return front.service.answered == 3; }));
  HttpRequest request;
  request.path = "/small";
  const auto refused = front.client(identity)->send(request);
  CHECK(front.client(issue(front.machines, "m2", false))->send(request)->body == "m2");
  open.set_value();
  for (auto& thread : busy) thread.join();
  CHECK(answered == 3);
  REQUIRE(refused.has_value());
  CHECK(refused->status == 503);
  CHECK(
      refused->body.find(
          "'m1' has as many requests in progress as one certificate's name may: a machine 3, an operator 64 of each of the server's 1 threads; wait for one of them") !=
      std::string::npos);
  CHECK(front.listener->counters().identity_full == 1);
}
