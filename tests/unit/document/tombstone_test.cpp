#include "document/tombstone.hpp"

#include <doctest/doctest.h>

#include "sample_document.hpp"

using namespace muster;

namespace {

Tombstone sample_tombstone() {
  return {sample::digest_a, "ci", "w-1", sample::digest_a, 1'795'000'000, OnDelete::reset};
}

std::string refusal_of_tombstone(const std::string& json) {
  const auto parsed = parse_tombstone(json);
  return parsed ? "accepted" : parsed.error().message;
}

}  // namespace

TEST_CASE("a tombstone is what it was written as, byte by byte") {
  const std::string json = to_canonical_json(sample_tombstone());
  CHECK(json == R"({"apiVersion":"muster/v1","cluster":"ci","endedAt":1795000000,"identity":")" +
                    sample::digest_a + R"(","kind":"Tombstone","node":"w-1","onDelete":"reset",)" +
                    R"("site":")" + sample::digest_a + R"("})");
  const auto again = parse_tombstone(json);
  REQUIRE(again);
  CHECK(to_canonical_json(*again) == json);
  CHECK(again->on_delete == OnDelete::reset);
}

TEST_CASE("what is wrong with a tombstone is told at once") {
  CHECK(refusal_of_tombstone(
            R"({"apiVersion":"muster/v1","kind":"Tombstone","site":"s","cluster":"C",)"
            R"("node":"-","identity":"k","endedAt":1,"onDelete":"keep"})") ==
        "tombstone: refused, 4 problems:\n"
        "/site: expected 'sha256:' and 64 lower-case hex digits, found 's'\n"
        "/cluster: expected a DNS label, found 'C'\n"
        "/node: expected a DNS name, found '-'\n"
        "/identity: expected 'sha256:' and 64 lower-case hex digits, found 'k'");
  std::string burnt = to_canonical_json(sample_tombstone());
  burnt.replace(burnt.find("reset"), 5, "burn");
  CHECK(
      refusal_of_tombstone(burnt) ==
      "tombstone: refused, 1 problem:\n/onDelete: expected poweroff, reset or keep, found 'burn'");
}
