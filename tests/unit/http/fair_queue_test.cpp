#include "http/fair_queue.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

struct Queue {
  FairQueue queue;
  explicit Queue(std::size_t places) : queue(places) {}

  // The share whose work has no place, "" where there is one for all.
  std::string push(const std::string& group, bool is_strangers = false,
                   const std::string& caller = {}) {
    const auto left = queue.push(Work{{is_strangers, group, caller}, {}, {}});
    return left ? left->share.group + left->share.caller : std::string();
  }
  std::string pop_all() {
    std::string order;
    while (const auto next = queue.pop()) order += next->share.group + next->share.caller + " ";
    return order;
  }
};

}  // namespace

TEST_CASE("each share that waits has its turn, however many of another's wait before it") {
  Queue queue(10);
  for (int i = 0; i < 4; ++i) CHECK(queue.push("lab").empty());
  CHECK(queue.push("ci").empty());
  CHECK(queue.push("ci").empty());
  CHECK(queue.pop_all() == "lab ci lab ci lab lab ");
  CHECK(queue.queue.empty());
}

TEST_CASE("one caller takes no other's turn in its own group") {
  Queue queue(5);
  for (int i = 0; i < 4; ++i) CHECK(queue.push("lab/", false, "n1").empty());
  CHECK(queue.push("lab/", false, "n2").empty());
  // Full: the greediest of the group gives way to who holds less, and to nobody who holds as much.
  CHECK(queue.push("lab/", false, "n1") == "lab/n1");
  CHECK(queue.push("lab/", false, "n3") == "lab/n1");
  CHECK(queue.push("lab/", false, "n3") == "lab/n1");
  CHECK(queue.push("lab/", false, "n3") == "lab/n3");
  CHECK(queue.pop_all() == "lab/n1 lab/n2 lab/n3 lab/n1 lab/n3 ");
  CHECK(queue.queue.empty());
}

TEST_CASE("strangers wait for everybody who is known, but for one turn of four") {
  Queue queue(10);
  CHECK(queue.push("192.0.2.0/24", true).empty());
  CHECK(queue.push("lab").empty());
  CHECK(queue.push("lab").empty());
  CHECK(queue.pop_all() == "lab lab 192.0.2.0/24 ");
  for (int i = 0; i < 5; ++i) CHECK(queue.push("lab").empty());
  CHECK(queue.push("192.0.2.0/24", true).empty());
  CHECK(queue.push("192.0.2.0/24", true).empty());
  CHECK(queue.pop_all() == "lab 192.0.2.0/24 lab lab lab 192.0.2.0/24 lab ");
}

TEST_CASE("who is known takes no more than three places of four from strangers") {
  Queue queue(8);
  for (int i = 0; i < 8; ++i) CHECK(queue.push("lab").empty());
  CHECK(queue.push("192.0.2.0/24", true) == "lab");
  CHECK(queue.push("192.0.2.0/24", true) == "lab");
  CHECK(queue.push("192.0.2.0/24", true) == "192.0.2.0/24");
  CHECK(queue.push("198.51.100.0/24", true) == "192.0.2.0/24");
  CHECK(queue.push("ci") == "lab");
  CHECK(queue.push("lab") == "lab");
}

TEST_CASE("of a full queue the share that holds most gives way to one that holds less") {
  Queue queue(4);
  for (int i = 0; i < 4; ++i) CHECK(queue.push("lab").empty());
  CHECK(queue.push("lab") == "lab");
  CHECK(queue.push("ci") == "lab");
  CHECK(queue.push("ci") == "lab");
  // Two and two: nobody holds more than another.
  CHECK(queue.push("ci") == "ci");
  CHECK(queue.push("dev") == "ci");
  CHECK(queue.pop_all() == "lab ci dev lab ");
}

TEST_CASE("of a full queue strangers give way first, and nobody does for more than a quarter") {
  Queue queue(3);
  CHECK(queue.push("192.0.2.0/24", true).empty());
  CHECK(queue.push("lab").empty());
  CHECK(queue.push("lab").empty());
  CHECK(queue.push("198.51.100.0/24", true) == "198.51.100.0/24");
  CHECK(queue.push("lab") == "192.0.2.0/24");
  CHECK(queue.push("198.51.100.0/24", true) == "198.51.100.0/24");
  CHECK(queue.pop_all() == "lab lab lab ");
}

TEST_CASE("what is taken back holds no place and has no turn") {
  Queue queue(4);
  for (std::uint64_t id = 1; id <= 4; ++id) {
    Work work{{true, "192.0.2.0/24", id == 1 ? "1" : "2"}, {}, {}};
    work.id = id;
    CHECK_FALSE(queue.queue.push(std::move(work)));
  }
  queue.queue.take_back({true, "192.0.2.0/24", "1"}, 2);  // another's
  queue.queue.take_back({true, "198.51.100.0/24", "1"}, 1);
  queue.queue.take_back({false, "192.0.2.0/24", "1"}, 1);
  CHECK(queue.push("198.51.100.0/24", true) == "192.0.2.0/242");
  queue.queue.take_back({true, "192.0.2.0/24", "1"}, 1);
  queue.queue.take_back({true, "192.0.2.0/24", "1"}, 1);
  CHECK(queue.push("203.0.113.0/24", true).empty());
  queue.queue.take_back({true, "192.0.2.0/24", "2"}, 2);
  CHECK(queue.pop_all() == "192.0.2.0/242 198.51.100.0/24 203.0.113.0/24 ");
  CHECK(queue.queue.empty());
}
