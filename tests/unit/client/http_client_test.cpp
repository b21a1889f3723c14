// The client against servers that misbehave; the well-behaved ones are in unit/http.
#include "client/http_client.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "client/base_url.hpp"
#include "client/proof.hpp"
#include "fakes/scratch_folder.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

// Accepts connections one after another and writes `pieces`, `pause` apart, to each.
class ScriptedServer {
 public:
  ScriptedServer(std::vector<std::string> pieces, std::chrono::milliseconds pause)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    struct sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(bind(socket_, reinterpret_cast<struct sockaddr*>(&address), length) == 0);
    REQUIRE(listen(socket_, 8) == 0);
    getsockname(socket_, reinterpret_cast<struct sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, pieces = std::move(pieces), pause] {
      for (;;) {
        const int client = accept(socket_, nullptr, nullptr);
        if (client < 0) return;
        // A request that nobody read would end the connection with a reset, and what was sent with
        // it.
        std::string request(1u << 16, '\0');
        [[maybe_unused]] const auto read_bytes = recv(client, request.data(), request.size(), 0);
        for (const auto& piece : pieces) {
          if (send(client, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
          std::this_thread::sleep_for(pause);
        }
        close(client);
      }
    });
  }
  ~ScriptedServer() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }
  [[nodiscard]] std::string url(std::string_view scheme = "http") const {
    return fmt::format("{}://127.0.0.1:{}", scheme, port_);
  }

 private:
  int socket_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// On a socket in a folder: answers the first bytes that come, and closes.
class HastyServer {
 public:
  explicit HastyServer(std::string answer) : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(socket_, reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket_, 8) == 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int client = accept(socket_, nullptr, nullptr);
      char head[4096];
      [[maybe_unused]] auto bytes = recv(client, head, sizeof head, 0);
      bytes = send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(client);
    });
  }
  ~HastyServer() {
    thread_.join();
    close(socket_);
  }
  [[nodiscard]] std::string path() const { return folder_.path("socket"); }

 private:
  ScratchFolder folder_;
  int socket_;
  std::thread thread_;
};

HttpClientSettings settings(const std::string& url, std::chrono::milliseconds time = 10s) {
  HttpClientSettings made;
  made.base_url = url;
  made.total_timeout = time;
  made.maximum_body = 1000;
  return made;
}

Result<HttpAnswer> get(const HttpClientSettings& with) {
  HttpRequest request;
  request.path = "/x";
  return HttpClient(with).send(request);
}

}  // namespace

TEST_CASE("a dripping answer meets the total deadline") {
  const ScriptedServer server(std::vector<std::string>(400, "H"), 50ms);
  const auto start = std::chrono::steady_clock::now();
  const auto answer = get(settings(server.url(), 300ms));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::timeout);
  CHECK(answer.error().message == "GET " + server.url() + "/x: no complete answer within 300 ms");
  CHECK(std::chrono::steady_clock::now() - start < 10s);
}

TEST_CASE("a server that never answers is a timeout, and says of how long") {
  const ScriptedServer server({""}, 1500ms);
  const auto answer = get(settings(server.url(), 300ms));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::timeout);
  CHECK(answer.error().message == "GET " + server.url() + "/x: no complete answer within 300 ms");
}

TEST_CASE("a dripping TLS handshake meets the total deadline") {
  const ScriptedServer server(std::vector<std::string>(400, "\x16"), 50ms);
  HttpClientSettings with = settings(server.url("https"), 300ms);
  with.tls.verify_server = false;
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(get(with).has_value());
  CHECK(std::chrono::steady_clock::now() - start < 10s);
}

TEST_CASE("an answer over the limit is refused") {
  const ScriptedServer server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x')}, 0ms);
  const auto answer = get(settings(server.url()));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().message ==
        "GET " + server.url() + "/x: expected an answer of at most 1000 bytes, found more");
}

TEST_CASE("a chunked answer and a redirect are not followed") {
  const ScriptedServer chunked(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"}, 0ms);
  const auto refused = get(settings(chunked.url()));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message ==
        "GET " + chunked.url() +
            "/x: expected an answer with Content-Length, found Transfer-Encoding");
  const ScriptedServer moved({"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"},
                             0ms);
  const auto answer = get(settings(moved.url()));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 302);
}

TEST_CASE("a cut answer and nobody there are unavailable") {
  const ScriptedServer cut({"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"}, 0ms);
  const auto answer = get(settings(cut.url()));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::unavailable);
  const auto nobody = get(settings("http://127.0.0.1:1"));
  REQUIRE_FALSE(nobody.has_value());
  CHECK(nobody.error().message ==
        "GET http://127.0.0.1:1/x: no connection (refused, or no route); is the server up?");
}

TEST_CASE("a ranged download that is answered whole gives the sink nothing") {
  const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"}, 0ms);
  std::string received;
  HttpClient client(settings(server.url()));
  const auto answer = client.download({"/x", 2, false, [&](std::string_view bytes, Coding) {
                                         received += bytes;
                                         return true;
                                       }});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(received.empty());
}

TEST_CASE("a coding is told to the sink, and one that was not asked for is refused") {
  const auto answer_of = [](const std::string& coding, bool takes_zstd, std::string& received) {
    const std::string header = coding.empty() ? "" : "Content-Encoding: " + coding + "\r\n";
    const ScriptedServer server({"HTTP/1.1 200 OK\r\n" + header + "Content-Length: 3\r\n\r\nabc"},
                                0ms);
    HttpClient client(settings(server.url()));
    const auto answer =
        client.download({"/x", 0, takes_zstd, [&](std::string_view bytes, Coding is) {
                           received += bytes.empty() ? (is == Coding::zstd ? "zstd " : "plain ")
                                                     : std::string(bytes);
                           return true;
                         }});
    if (answer) return std::string();
    return answer.error().message.substr(answer.error().message.find("/x") + 2);
  };
  std::string received;
  CHECK(answer_of("zstd", true, received).empty());
  CHECK(received == "zstd abc");
  received.clear();
  CHECK(answer_of("", true, received).empty());
  CHECK(received == "plain abc");
  received.clear();
  CHECK(answer_of("identity", false, received).empty());
  CHECK(received == "plain abc");
  received.clear();
  CHECK(
      answer_of("gzip", true, received) ==
      ": expected the Content-Encoding that was asked for (zstd) or none, found 'gzip'; switch compression off for artifacts on that server");
  CHECK(
      answer_of("zstd", false, received) ==
      ": expected the Content-Encoding that was asked for (identity) or none, found 'zstd'; switch compression off for artifacts on that server");
  CHECK(answer_of("zstd, gzip", true, received).find("found 'zstd, gzip'") != std::string::npos);
  CHECK(received.empty());
}

TEST_CASE("a download's coding is told though no byte follows, its part only if it was asked for") {
  const auto answer_of = [](const std::string& head, std::uint64_t offset) {
    const ScriptedServer server({"HTTP/1.1 " + head + "\r\n\r\n"}, 0ms);
    HttpClient client(settings(server.url()));
    std::string told;
    const auto answer =
        client.download({"/x", offset, offset == 0, [&](std::string_view, Coding is) {
                           told += is == Coding::zstd ? "zstd" : "plain";
                           return true;
                         }});
    if (answer) return fmt::format("{} {}", answer->status, told);
    CHECK(answer.error().kind == ErrorKind::invalid);
    return answer.error().message.substr(answer.error().message.find("/x: ") + 4) + told;
  };
  CHECK(answer_of("200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 0", 0) == "200 zstd");
  const std::string unasked = "expected all of it (200), found a part (206) that was not asked for";
  CHECK(answer_of("206 P\r\nContent-Length: 0", 0) == unasked);
  CHECK(answer_of("206 P\r\nContent-Encoding: zstd\r\nContent-Length: 3", 0) == unasked);
  const std::string range = "206 P\r\nContent-Length: 0\r\nContent-Range: bytes ";
  CHECK(answer_of(range + "7-9/10", 7) == "206 plain");
  CHECK(answer_of(range + "70-90/100", 7) ==
        "expected the bytes from 7 on, found 'bytes 70-90/100'");
  CHECK(answer_of(range + "0-9/10", 7) == "expected the bytes from 7 on, found 'bytes 0-9/10'");
}

TEST_CASE("a download that stalls ends, after signs of life; a slow receiver is no stall") {
  std::atomic<int> signs = 0;
  const auto got = [&](std::chrono::milliseconds stall, std::chrono::milliseconds pause,
                       std::chrono::milliseconds work) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    const ScriptedServer server({head + "a", "b", "c"}, pause);
    auto with = settings(server.url());
    with.stall_timeout = stall;
    with.on_wait = [&] { ++signs; };
    HttpClient client(with);
    const auto answer = client.download({"/x", 0, false, [&](std::string_view, Coding) {
                                           std::this_thread::sleep_for(work);
                                           return true;
                                         }});
    if (answer) return std::string("all of it");
    CHECK(answer.error().kind == ErrorKind::timeout);
    return answer.error().message.substr(answer.error().message.find("/x: ") + 4);
  };
  CHECK(got(300ms, 900ms, 0ms) == "no byte came within 300 ms");
  CHECK(got(2s, 800ms, 0ms) == "all of it");
  CHECK(got(2s, 0ms, 2200ms) == "all of it");
  CHECK(signs >= 3);
}

TEST_CASE("what a server says before it took the body is its answer, and nothing else is") {
  signal(SIGPIPE, SIG_IGN);  // as our programs do
  HttpRequest request;
  request.method = "PUT";
  request.path = "/x";
  request.body = std::string(30'000'000, 'u');
  const auto answer_of = [&](std::vector<std::string> pieces) {
    const ScriptedServer server(std::move(pieces), 50ms);
    return HttpClient(settings(server.url())).send(request);
  };
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const auto said = answer_of(
      {go_on, "HTTP/1.1 507 Full\r\nContent-", "Length: 6\r\nX-A:  b \r\n\r\nno ", "room"});
  REQUIRE_MESSAGE(said.has_value(), (said ? "" : said.error().message));
  CHECK(said->status == 507);
  CHECK(said->headers.at("x-a") == "b");
  CHECK(said->body == "no roo");
  for (const std::string& nothing :
       {std::string(), std::string("HTTP/1.1 429 x\r\nContent-Length: 9\r\n\r\ncut"),
        std::string("HTTP/1.1 429 x\r\nContent-Length: 999999\r\n\r\n") + std::string(99, 'x'),
        std::string("no HTTP at all\r\n\r\n"), std::string(50000, 'h')}) {
    const auto none = answer_of({go_on, nothing});
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().kind == ErrorKind::unavailable);
  }
}

TEST_CASE("an answer that came though the body could not be sent is the answer") {
  signal(SIGPIPE, SIG_IGN);
  HttpRequest request;
  request.method = "PUT";
  request.path = "/x";
  request.body = "a small one";
  for (int round = 0; round < 200; ++round) {
    // Gone as soon as it has read the head.
    const HastyServer server("HTTP/1.1 503 Soon\r\nContent-Length: 4\r\n\r\nsoon");
    const auto said = HttpClient(settings("unix:" + server.path())).send(request);
    REQUIRE_MESSAGE(said.has_value(), (said ? "" : said.error().message));
    CHECK(said->status == 503);
    CHECK(said->body == "soon");
  }
}

TEST_CASE("a receiver may stop a download") {
  const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"}, 0ms);
  HttpClient client(settings(server.url()));
  const auto answer =
      client.download({"/x", 0, false, [](std::string_view, Coding) { return false; }});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().message == "GET " + server.url() + "/x: stopped by the receiver");
}

TEST_CASE("addresses are read strictly") {
  CHECK(parse_base_url("http://10.77.0.1:8080/")->port == 8080);
  CHECK(parse_base_url("https://[fd00::1]:8443")->host == "fd00::1");
  CHECK(parse_base_url("unix:/run/muster/admin.sock")->host == "/run/muster/admin.sock");
  for (const char* text :
       {"", "10.0.0.1:80", "http://h", "http://h:0", "http://h:99999", "http://:80",
        "http://u@h:80", "http://h/x:80", "ftp://h:80", "unix:relative"}) {
    const auto url = parse_base_url(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().message ==
          fmt::format("address '{}': expected http://HOST:PORT, https://HOST:PORT or unix:/PATH",
                      text));
  }
}

TEST_CASE("error bodies keep the server's message and its word, other bodies their status") {
  HttpAnswer answer;
  answer.status = 409;
  answer.body = R"({"kind":"conflict","message":"the name is taken","requestId":"ab"})";
  CHECK(error_of(answer).kind == ErrorKind::conflict);
  CHECK(error_of(answer).message == "the name is taken (request ab)");
  answer.status = 503;
  answer.body = R"({"kind":"sealed","message":"cluster 'lab': sealed"})";
  CHECK(error_of(answer).kind == ErrorKind::unavailable);
  CHECK(error_of(answer).code == "sealed");
  answer.status = 502;
  answer.body = "<html>";
  CHECK(error_of(answer).kind == ErrorKind::unavailable);
  CHECK(error_of(answer).message == "the server answered 502 without a reason");
}

TEST_CASE("the pause that a busy server asks for is one second to ten minutes") {
  const auto seconds = [](int status, const std::string& text) {
    HttpAnswer answer;
    answer.status = status;
    answer.headers["retry-after"] = text;
    return retry_after(answer).count();
  };
  CHECK(retry_after(HttpAnswer{}).count() == 0);
  CHECK(seconds(503, "7") == 7);
  CHECK(seconds(429, "600") == 600);
  CHECK(seconds(503, "0") == 1);
  CHECK(seconds(503, "601") == 600);
  CHECK(seconds(503, "99999999999999999999999") == 600);
  for (const char* text : {"", "-1", "1.5", "7 s", "Wed, 02 Dec 2026 01:00:00 GMT"}) {
    CAPTURE(text);
    CHECK(seconds(503, text) == 0);
  }
  for (const int status : {200, 404, 500, 502}) CHECK(seconds(status, "7") == 0);
}

TEST_CASE("the proof text is the one in the specification") {
  CHECK(
      proof_message(ProofPurpose::enrol, "bm9uY2U=", "csr") ==
      "muster enrol v1\nbm9uY2U=\nsha256:c27338c453067b437471afbce792704d816112c6031bb996b62c698ea599ef80");
  CHECK(proof_message(ProofPurpose::recover, "x", "")
            .starts_with("muster recover v1\nx\nsha256:e3b0c44298fc1c14"));
}
