// Who gives way where a listener is full, and who is gone though it is not.
#include "front.hpp"

using namespace muster;
using namespace std::chrono_literals;

TEST_CASE("of a full listener the network that holds most gives way to one that holds less") {
  ListenerSettings settings = anywhere();
  settings.connections = 8;
  settings.event_threads = 1;
  Front front(settings);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 1; i <= 8; ++i) {
    silent.push_back(
        std::make_unique<RawClient>(front.listener->address(), fmt::format("127.0.1.{}", i)));
    REQUIRE(soon([&] { return front.listener->counters().open == i; }));
  }
  CHECK(contains(front.ask(get("/small")), "200 OK"));
  CHECK(front.listener->counters().gave_way == 1);
  CHECK(silent[0]->receive(10s).empty());
  CHECK(silent[0]->closed());
  std::vector<std::unique_ptr<RawClient>> more;
  for (int i = 1; i <= 4; ++i) {
    more.push_back(
        std::make_unique<RawClient>(front.listener->address(), fmt::format("127.0.2.{}", i)));
    more.back()->send(get("/small", ""));
    CHECK(more.back()->receive(10s, "small").ends_with("small"));
  }
  // Four and four: nobody holds more than another.
  const auto full = front.listener->counters().full.load();
  RawClient late(front.listener->address(), "127.0.2.9");
  CHECK(late.receive(10s).empty());
  CHECK(late.closed());
  CHECK(front.listener->counters().full == full + 1);
}

TEST_CASE("a byte now and then of a body is no progress: it gives way as one that stands still") {
  ListenerSettings settings = anywhere();
  settings.connections = 4;
  settings.event_threads = 1;
  Front front(settings);
  front.service.echo_limit = 1u << 16;
  std::vector<std::unique_ptr<RawClient>> dripping;
  for (int i = 1; i <= 4; ++i) {
    dripping.push_back(
        std::make_unique<RawClient>(front.listener->address(), fmt::format("127.0.1.{}", i)));
    dripping.back()->send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 65000\r\n\r\n");
  }
  CHECK(soon([&] { return front.listener->counters().requests == 4; }));
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(100ms);
    for (const auto& client : dripping) client->send("x");
  }
  CHECK(contains(front.ask(get("/small")), "200 OK"));
  CHECK(front.listener->counters().gave_way == 1);
}

TEST_CASE(
    "with as many networks as places, the oldest that asks nothing goes for one without any") {
  ListenerSettings settings = anywhere();
  settings.connections = 4;
  settings.event_threads = 1;
  Front front(settings);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 1; i <= 4; ++i) {
    silent.push_back(
        std::make_unique<RawClient>(front.listener->address(), fmt::format("127.0.{}.1", i)));
    REQUIRE(soon([&] { return front.listener->counters().open == i; }));
  }
  // They have a moment to ask.
  CHECK_FALSE(contains(front.ask(get("/small")), "200 OK"));
  std::this_thread::sleep_for(2100ms);
  RawClient newcomer(front.listener->address(), "127.0.9.1");
  newcomer.send(get("/small"));
  CHECK(contains(newcomer.receive(10s), "200 OK"));
  CHECK(silent[0]->receive(10s).empty());
  CHECK(silent[0]->closed());
  CHECK(front.listener->counters().gave_way == 1);
}

TEST_CASE("what is announced of bodies has a limit in all; small ones are taken beyond it") {
  ListenerSettings settings = anywhere();
  settings.body_memory = 100000;
  Front front(settings);
  front.service.echo_limit = 1u << 20;
  const auto post = [](int length, std::string_view body) {
    return fmt::format(
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
        length, body);
  };
  auto first = std::make_unique<RawClient>(front.listener->address());
  first->send(post(80000, "begun"));
  CHECK(soon([&] { return front.listener->counters().body_bytes == 80000; }));
  CHECK(contains(front.ask(post(80000, std::string(80000, 'x'))), "HTTP/1.1 503 "));
  CHECK(contains(front.ask(post(2, "ok")), "200 OK"));
  first.reset();
  CHECK(soon([&] { return front.listener->counters().body_bytes == 0; }));
  CHECK(contains(front.ask(post(80000, std::string(80000, 'x'))), "200 OK"));
  CHECK(front.listener->counters().body_bytes == 0);
}

TEST_CASE("whoever takes nothing of what it asked for has the time for a part of it, not for all") {
  const ScratchFolder folder;
  std::ofstream(folder.path("content")) << std::string(64u << 20, 'x');
  ListenerSettings settings = anywhere();
  settings.deadlines.write = 500ms;
  settings.deadlines.slowest_write = 1u << 20;
  Front front(settings);
  front.service.folder = folder.path();
  RawClient client(front.listener->address());
  client.send(get("/file"));
  // 64 MiB at 1 MiB a second would be a minute.
  CHECK(soon([&] { return front.listener->counters().deadline_passed == 1; }));
  // Reset: what the client never takes is kept for it nowhere.
  CHECK(soon([&] { return client.is_reset(); }));
  // One that reads has it all.
  CHECK(front.ask(get("/file"), 30s).size() > (64u << 20));
}

TEST_CASE("where all workers are taken, people's calls hold up no machine's") {
  ListenerSettings settings = anywhere();
  settings.workers = settings.operator_workers = 1;
  Front front(settings);
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  RawClient first(front.listener->address()), second(front.listener->address());
  first.send(get("/blocking?people"));
  CHECK(soon([&] { return front.service.answered == 1; }));
  second.send(get("/blocking?people"));
  CHECK(soon([&] { return front.listener->counters().requests == 2; }));
  CHECK(contains(front.ask(get("/throws")), " 500 "));  // at once, on the event thread
  RawClient machine(front.listener->address());
  machine.send(get("/blocking"));
  CHECK(soon([&] { return front.service.answered == 3; }));
  open.set_value();
  for (RawClient* client : {&first, &second, &machine}) {
    CHECK(contains(client->receive(10s), "200 OK"));
  }
}

TEST_CASE("of a full queue of requests the one who holds most is answered 503") {
  ListenerSettings settings = anywhere();
  settings.workers = 1;
  settings.queued_requests = 2;
  Front front(settings);
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  const auto ask = [&](int from) {
    auto client =
        std::make_unique<RawClient>(front.listener->address(), fmt::format("127.0.3.{}", from));
    client->send(get("/blocking"));
    return client;
  };
  const auto served = ask(1);
  CHECK(soon([&] { return front.service.answered == 1; }));
  const auto waits = ask(1);
  CHECK(soon([&] { return front.listener->counters().requests == 2; }));
  const auto gives_way = ask(1);
  CHECK(soon([&] { return front.listener->counters().requests == 3; }));
  const auto other = ask(2);
  CHECK(contains(gives_way->receive(10s), "HTTP/1.1 503 "));
  open.set_value();
  for (const auto* client : {&served, &waits, &other}) {
    CHECK(contains((*client)->receive(10s), "200 OK"));
  }
  CHECK(front.listener->counters().overloaded == 1);
}

TEST_CASE("what is large keeps half of the workers at most, and all of it is answered") {
  ListenerSettings settings = anywhere();
  settings.workers = 4;
  Front front(settings);
  std::promise<void> open;
  front.service.gate = open.get_future().share();
  std::vector<std::unique_ptr<RawClient>> uploads;
  for (int i = 1; i <= 8; ++i) {
    uploads.push_back(
        std::make_unique<RawClient>(front.listener->address(), fmt::format("127.0.{}.1", i)));
    uploads.back()->send(get("/large"));
  }
  CHECK(soon([&] { return front.service.answered >= 2; }));
  CHECK(contains(front.ask(get("/pooled"), 3s), "200 OK"));
  CHECK(contains(front.ask(get("/pooled"), 3s), "200 OK"));
  CHECK(front.service.answered == 4);
  open.set_value();
  for (const auto& upload : uploads) CHECK(contains(upload->receive(10s), "200 OK"));
}
