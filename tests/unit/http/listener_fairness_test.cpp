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
