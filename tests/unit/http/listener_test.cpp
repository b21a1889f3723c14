// The event front on real sockets of the loopback interface.
#include "front.hpp"

#include <future>

using namespace muster;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("a request is answered and the connection closed when asked to") {
  const Front front;
  const std::string answer = front.ask(get("/small?name=m%2B1"));
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(answer, "Connection: close\r\n"));
  CHECK(contains(answer, "Date: "));
  CHECK(answer.ends_with("\r\n\r\nsmall m+1"));
}

TEST_CASE("two pipelined requests in one packet are both answered, in order") {
  const Front front;
  const std::string answer = front.ask(get("/small?name=a", "") + get("/small?name=b"));
  CHECK(count(answer, "HTTP/1.1 200 OK") == 2);
  CHECK(answer.find("small a") < answer.find("small b"));
}

TEST_CASE("a pipelined request waits for a blocking one before it") {
  Front front;
  const std::string answer = front.ask(get("/blocking", "") + get("/small"));
  CHECK(count(answer, "HTTP/1.1 200 OK") == 2);
}

TEST_CASE("a kept connection serves more requests and ends when idle for too long") {
  const Front front(quick());
  RawClient client(front.listener->address());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/small", ""));
    CHECK(client.receive(10s, "small").ends_with("small"));
  }
  CHECK(client.receive(10s).empty());
  CHECK(client.closed());
  CHECK(front.listener->counters().deadline_passed == 0);
}

TEST_CASE("without keep-alive each answer closes") {
  ListenerSettings settings = anywhere();
  settings.requests_per_connection = 1;
  const Front front(settings);
  CHECK(contains(front.ask(get("/small", "")), "Connection: close\r\n"));
}

TEST_CASE("slow heads meet the deadline while a good client is answered at once") {
  ListenerSettings settings = quick();
  settings.deadlines.head = 1s;
  Front front(settings);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(std::make_unique<RawClient>(front.listener->address()));
    slow.back()->send("GET /small HTTP/1.1\r\nHost: ");
  }
  std::atomic<bool> done{false};
  std::thread dripping([&] {
    while (!done) {
      for (const auto& client : slow) client->send("x");
      std::this_thread::sleep_for(50ms);
    }
  });
  CHECK(contains(front.ask(get("/small")), "200 OK"));
  CHECK(front.listener->counters().deadline_passed == 0);
  for (const auto& client : slow) {
    CHECK(client->receive(10s).empty());
    CHECK(client->closed());
  }
  done = true;
  dripping.join();
  CHECK(front.listener->counters().deadline_passed == 30);
}

TEST_CASE("a slow body meets the deadline") {
  const Front front(quick());
  RawClient client(front.listener->address());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab");
  CHECK(client.receive(10s).empty());
  CHECK(client.closed());
}

TEST_CASE("one source holds no more than its share of connections") {
  ListenerSettings settings = anywhere();
  settings.connections_per_source = 3;
  const Front front(settings);
  std::vector<std::unique_ptr<RawClient>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<RawClient>(front.listener->address()));
    held.back()->send(get("/small", ""));
    CHECK(held.back()->receive(10s, "small").ends_with("small"));
  }
  CHECK(front.ask(get("/small")).empty());
  CHECK(front.listener->counters().source_full == 1);
  held.clear();
  CHECK(soon([&] { return front.listener->counters().open == 0; }));
  CHECK(contains(front.ask(get("/small")), "200 OK"));
}

TEST_CASE("a body over the route's limit is refused before it is read, and the answer arrives") {
  const Front front;
  const std::string answer =
      front.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" +
                std::string(100000, 'x'));
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK(contains(answer, "\"kind\":\"too_large\""));
  CHECK(contains(answer, "POST /echo: expected a body of at most 64 bytes, found 100000"));
  CHECK(front.service.answered == 0);
}

TEST_CASE("who is refused by the head alone may still send the body, and has the answer") {
  const Front front;
  std::string path, status;
  SUBCASE("a body that is too large") {
    path = "/echo";
    status = "413";
  }
  SUBCASE("a path that is none") {
    path = "/none";
    status = "404";
  }
  RawClient client(front.listener->address());
  client.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  const std::string answer = client.receive(10s);
  CHECK(answer.starts_with("HTTP/1.1 " + status));
  // Of a server that has closed, the first part brings a reset, and the next fails.
  for (int part = 0; part < 4; ++part) {
    CHECK(client.send(std::string(100, 'x')));
    std::this_thread::sleep_for(20ms);
  }
}

TEST_CASE("a body within the limit arrives whole, also when it comes in pieces") {
  const Front front;
  RawClient client(front.listener->address());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nConnection: close\r\n\r\nab");
  std::this_thread::sleep_for(30ms);
  client.send("cdef");
  CHECK(client.receive(10s).ends_with("\r\n\r\nabcdef"));
}

TEST_CASE("Expect: 100-continue is answered before the body") {
  const Front front;
  RawClient client(front.listener->address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  CHECK(client.receive(10s, "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  const std::string answer = client.receive(10s);
  CHECK(answer.starts_with("HTTP/1.1 200 OK"));
  CHECK(answer.ends_with("\r\n\r\nok"));
}

TEST_CASE("heads that are no HTTP are refused with their reason") {
  const Front front;
  const auto refused = [&](std::string_view bytes, std::string_view status,
                           std::string_view reason) {
    const std::string answer = front.ask(bytes);
    CHECK_MESSAGE(answer.starts_with(fmt::format("HTTP/1.1 {} ", status)), answer);
    CHECK_MESSAGE(contains(answer, reason), answer);
  };
  refused("GET /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411",
          "send the body with Content-Length");
  refused("GET /small HTTP/1.1\r\nHost: x\r\n" + std::string(5000, 'a') + ": b\r\n\r\n", "431",
          "expected at most 4096 bytes in a line");
  std::string many = "GET /small HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 40; ++i) many += fmt::format("X-{}: y\r\n", i);
  refused(many + "\r\n", "431", "expected at most 32, found more");
  refused("GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", "414",
          "at most 1024 bytes");
  refused("GET /small HTTP/1.1\r\nHost: " + std::string(20000, 'a'), "431",
          "at most 16384 bytes in all");
  refused("GET /sm\0ll HTTP/1.1\r\nHost: x\r\n\r\n"s, "400", "printable ASCII");
  refused("GET /small HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400",
          "header Host: expected one, found two");
}

TEST_CASE("what a handler throws stays in the log") {
  const Front front;
  const std::string answer = front.ask(get("/throws"));
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK_FALSE(contains(answer, "secret detail"));
}

TEST_CASE("files are streamed whole, in ranges, and as HEAD") {
  const ScratchFolder folder;
  Front front;
  front.service.folder = folder.path();
  std::string content(3u << 20, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 251);
  std::ofstream(folder.path() + "/content", std::ios::binary) << content;

  HttpClient client = front.client();
  std::string received;
  const auto sink = [&](std::string_view bytes, Coding) {
    received += bytes;
    return true;
  };
  auto whole = client.download({"/file", 0, true, sink});
  REQUIRE(whole.has_value());
  CHECK(whole->status == 200);
  CHECK((received == content));

  received.clear();
  auto rest = client.download({"/file", 1000000, false, sink});
  REQUIRE(rest.has_value());
  CHECK(rest->status == 206);
  CHECK(rest->headers["content-range"] == "bytes 1000000-3145727/3145728");
  CHECK((received == content.substr(1000000)));

  const std::string middle = front.ask(get("/file", "Range: bytes=10-19\r\nConnection: close\r\n"));
  CHECK(middle.starts_with("HTTP/1.1 206 "));
  CHECK(middle.ends_with("\r\n\r\n" + content.substr(10, 10)));
  CHECK(front.ask(get("/file", "Range: bytes=9999999-\r\n")).starts_with("HTTP/1.1 416 "));
  const std::string head = front.ask("HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(contains(head, "Content-Length: 3145728\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));
}

TEST_CASE("an upload is streamed to its sink, which may refuse it") {
  const ScratchFolder folder;
  const Front front;
  HttpClient client = front.client();
  std::ofstream(folder.path() + "/source") << std::string(700000, 'u');
  const auto answer = client.upload("/upload", folder.path() + "/source");
  REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().message));
  CHECK(answer->status == 200);
  CHECK(answer->body == "700000");
  std::ofstream(folder.path() + "/source", std::ios::app) << std::string(200000, 'u');
  const auto refused = client.upload("/upload", folder.path() + "/source");
  REQUIRE_MESSAGE(refused.has_value(), (refused ? "" : refused.error().message));
  CHECK(refused->status == 429);
  CHECK(contains(refused->body, "the disk is full"));
}

TEST_CASE("while a sink is slow others are answered, and no more than two pieces of it are held") {
  const ScratchFolder folder;
  ListenerSettings settings = anywhere();
  settings.event_threads = 1;
  Front front(settings);
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  std::ofstream(folder.path() + "/source") << std::string(700000, 'u');
  auto upload = std::async(std::launch::async, [&] {
    return front.client().upload("/upload", folder.path() + "/source");
  });
  CHECK(soon([&] { return front.listener->counters().requests == 1; }));
  for (int i = 0; i < 3; ++i) CHECK(front.ask(get("/small")).starts_with("HTTP/1.1 200 "));
  CHECK(upload.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
  open.set_value();
  const auto answer = upload.get();
  REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().message));
  CHECK(answer->body == "700000");
}

TEST_CASE("a refusal is heard over what is still being sent, and the next request is answered") {
  const ScratchFolder folder;
  Front front;
  front.service.upload_limit = 1u << 30;
  std::ofstream(folder.path() + "/source") << std::string(60'000'000, 'u');
  HttpClient client = front.client();
  for (int i = 0; i < 3; ++i) {
    const auto refused = client.upload("/upload", folder.path() + "/source");
    REQUIRE_MESSAGE(refused.has_value(), (refused ? "" : refused.error().message));
    CHECK(refused->status == 429);
    CHECK(refused->headers.contains("retry-after"));
    CHECK(contains(refused->body, "the disk is full"));
  }
  HttpRequest large;
  large.method = "PUT";
  large.path = "/upload";
  large.body = std::string(20'000'000, 'u');
  const auto refused = client.send(large);
  REQUIRE_MESSAGE(refused.has_value(), (refused ? "" : refused.error().message));
  CHECK(refused->status == 429);
  large.body.resize(700'000);
  CHECK(client.send(large)->body == "700000");
}

TEST_CASE("a full queue answers 503 with Retry-After") {
  ListenerSettings settings = anywhere();
  settings.workers = 1;
  settings.queued_requests = 1;
  Front front(settings);
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  RawClient first(front.listener->address()), second(front.listener->address());
  first.send(get("/blocking"));
  CHECK(soon([&] { return front.service.answered == 1; }));
  second.send(get("/blocking"));
  CHECK(soon([&] { return front.listener->counters().requests == 2; }));
  const std::string refused = front.ask(get("/blocking"));
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(contains(refused, "Retry-After: "));
  open.set_value();
  CHECK(contains(first.receive(10s), "200 OK"));
  CHECK(contains(second.receive(10s), "200 OK"));
}

TEST_CASE("stopping lets a request in progress finish and closes idle connections") {
  Front front;
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  RawClient working(front.listener->address()), idle(front.listener->address());
  idle.send(get("/small", ""));
  CHECK(idle.receive(10s, "small").ends_with("small"));
  working.send(get("/blocking", ""));
  CHECK(soon([&] { return front.service.answered == 2; }));
  std::thread stopping([&] { front.listener->stop(30s); });
  CHECK(idle.receive(10s).empty());
  CHECK(idle.closed());
  open.set_value();
  CHECK(contains(working.receive(10s), "200 OK"));
  stopping.join();
  CHECK_FALSE(RawClient(front.listener->address()).connected());
}

TEST_CASE("a taken port and a taken unix socket are errors") {
  const Front front;
  ListenerSettings settings = anywhere();
  settings.address = front.listener->address();
  FakeService other;
  const auto second = Listener::open(settings, other);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message ==
        "boot listener: binding " + settings.address + ": Address already in use");
}

TEST_CASE("a unix socket tells who calls") {
  const ScratchFolder folder;
  ListenerSettings settings = anywhere();
  settings.kind = ListenerKind::admin;
  settings.address = "unix:" + folder.path() + "/admin.sock";
  settings.connections_per_source = 0;
  const Front front(settings);
  HttpClientSettings client_settings;
  client_settings.base_url = settings.address;
  HttpClient client(client_settings);
  HttpRequest request;
  request.path = "/small";
  const auto answer = client.send(request);
  REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().message));
  CHECK(answer->body == fmt::format("user {}", getuid()));
  FakeService other;
  const auto second = Listener::open(settings, other);
  REQUIRE_FALSE(second.has_value());
  CHECK(contains(second.error().message, "another server listens on it; stop that one first"));
}
