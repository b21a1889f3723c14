#include "inventory/match.hpp"

#include "sample_inventory.hpp"

using namespace muster;
using Kind = MatchResult::Kind;

TEST_CASE("a tower is known by its MAC or its serial number") {
  const auto inventory = sample::example("gpu-towers");
  const MatchIndex index(nodes_of(inventory, "towers"));
  const MatchResult by_mac = index.match({{"0c-c4-7a-80-09-1f"}, "", "", ""});
  CHECK(by_mac.kind == Kind::matched);
  CHECK(by_mac.node == NodeName{"towers", "moscow"});
  const MatchResult by_both =
      index.match({{"de:ad:be:ef:00:01", "0C:C4:7A:80:09:2B"}, "", "S268357X8111112", ""});
  CHECK(by_both.kind == Kind::matched);
  CHECK(by_both.node.node == "madrid");
}

TEST_CASE("marks of two nodes are ambiguous and say why") {
  const auto inventory = sample::example("gpu-towers");
  const MatchIndex index(nodes_of(inventory, "towers"));
  const MatchResult result = index.match({{"0c:c4:7a:80:09:37"}, "", "S268357X8111111", ""});
  CHECK(result.kind == Kind::ambiguous);
  CHECK(result.node == NodeName{});
  CHECK(result.reasons == std::vector<std::string>{"mac 0c:c4:7a:80:09:37 is towers/campos",
                                                   "serial S268357X8111111 is towers/moscow"});
}

TEST_CASE("no mark, an unknown one and vendors' filler match nothing") {
  std::vector<Node> nodes(1);
  nodes[0].name.value = "n1";
  nodes[0].match.serial.value = "To be filled by O.E.M.";
  nodes[0].match.uuid.value = "00000000-0000-0000-0000-000000000000";
  const MatchIndex index({&nodes[0]});
  CHECK(index.match({}).kind == Kind::unknown);
  CHECK(index.match({{"00:00:00:00:00:00"}, "", "", ""}).kind == Kind::unknown);
  CHECK(index.match({{}, "00000000-0000-0000-0000-000000000000", "To Be Filled By O.E.M.", ""})
            .kind == Kind::unknown);
  for (const char* filler : {"0123456789", " Default string", "XXXXXXXX", "N/A", "-"}) {
    nodes[0].match.serial.value = filler;
    CHECK(MatchIndex({&nodes[0]}).match({{}, "", filler, ""}).kind == Kind::unknown);
  }
  CHECK(MatchIndex().match({{"0c:c4:7a:80:09:37"}, "u", "s", "i"}).kind == Kind::unknown);
}
