#include "agent/effects/hosts_file.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_filesystem.hpp"

using namespace muster;

namespace {

const std::string peers = "10.77.0.13 n3\n10.77.0.14 n4\n";
const std::string ours = "10.77.0.13 n3 # muster\n10.77.0.14 n4 # muster\n";

// Written once, it is as it shall be.
std::string written(const std::string& text) {
  const auto once = hosts_with(text, peers);
  CHECK(hosts_with(once, peers) == once);
  return once;
}

}  // namespace

TEST_CASE("peers are lines with a mark, after everybody else's") {
  CHECK(written("") == ours);
  CHECK(written("127.0.0.1 localhost\n") == "127.0.0.1 localhost\n" + ours);
  CHECK(hosts_with("127.0.0.1 localhost\n" + ours, "") == "127.0.0.1 localhost\n");
  // A peer that left, or has another address.
  CHECK(written("127.0.0.1 localhost\n10.77.0.9 n3 # muster\n10.77.0.19 n9 # muster\n") ==
        "127.0.0.1 localhost\n" + ours);
}

TEST_CASE("what is there already stays where it is") {
  for (const std::string& text : std::vector<std::string>{
           "# head\n" + ours + "10.0.0.9 printer\n",
           "10.77.0.13 n3 # muster\n10.0.0.9 printer\n10.77.0.14 n4 # muster\n"}) {
    CHECK(hosts_with(text, peers) == text);
  }
}

TEST_CASE("persons' lines are kept as they are") {
  // Without a last line end, with those of another system, and with our words in other places.
  CHECK(written("10.0.0.9 printer") == "10.0.0.9 printer\n" + ours);
  CHECK(hosts_with("10.0.0.9 printer", "") == "10.0.0.9 printer");
  CHECK(written("127.0.0.1 localhost\r\n10.77.0.13 n3 # muster\r\n10.0.0.9 printer\r\n") ==
        "127.0.0.1 localhost\r\n10.0.0.9 printer\r\n" + ours);
  for (const std::string line : {"10.77.0.13 n3\n", "10.77.0.13 n3 alias # muster\n", "# muster\n",
                                 "#10.77.0.13 n3 # muster\n", "10.0.0.9 printer # muster is good\n",
                                 "\n", " # muster begin\n"}) {
    CHECK(written(line) == line + ours);
    CHECK(written(ours + line) == ours + line);
  }
}

TEST_CASE("the block of an older agent goes, and nothing else with it") {
  const std::string begin = "# muster begin\n", end = "# muster end\n",
                    mine = "10.0.0.9 printer # mine\n";
  const std::string stale = "10.77.0.19 n9\n";
  CHECK(written(mine + begin + peers + stale + end + mine) == mine + mine + ours);
  // A person's line in the midst of it.
  CHECK(written(begin + "10.77.0.13 n3\n" + mine + "10.77.0.14 n4\n" + end) == mine + ours);
  // Marks missing, doubled, in the wrong order: only what is exactly ours goes.
  CHECK(written(begin + peers + mine) == mine + ours);
  CHECK(written(begin + peers + stale + mine) == stale + mine + ours);
  CHECK(written(mine + peers + end + mine) == mine + mine + ours);
  CHECK(written(begin + begin + peers + end + end + mine) == mine + ours);
  CHECK(written(begin + mine + peers + begin + peers + stale + end) == mine + ours);
  CHECK(written(mine + end + peers + mine + begin) == mine + peers + mine + ours);
  CHECK(written("# muster begin\r\n10.77.0.13 n3\r\n# muster end\r\n10.0.0.9 printer\r\n") ==
        "10.0.0.9 printer\r\n" + ours);
}

TEST_CASE("what differs is written, with the file's mode, and nothing else") {
  FakeFilesystem files;
  files.put("/etc/hosts", "10.0.0.9 printer\n", 0640);
  files.put(paths::hosts, peers);
  REQUIRE(write_hosts(files));
  CHECK(files.text("/etc/hosts") == "10.0.0.9 printer\n" + ours);
  CHECK(files.status("/etc/hosts")->mode == 0640);
  REQUIRE(write_hosts(files));
  CHECK(files.changes == std::vector<std::string>{"write /etc/hosts"});
  // Without its file the unit takes back what it did.
  REQUIRE(files.remove(paths::hosts));
  REQUIRE(write_hosts(files));
  CHECK(files.text("/etc/hosts") == "10.0.0.9 printer\n");
  REQUIRE(files.remove("/etc/hosts"));
  files.put(paths::hosts, peers);
  REQUIRE(write_hosts(files));
  CHECK(files.text("/etc/hosts") == ours);
}
