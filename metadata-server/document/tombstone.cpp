#include "document/tombstone.hpp"

#include "document/field_syntax.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "document/validation.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

std::vector<Problem> check(const Tombstone& tombstone) {
  Findings findings;
  constexpr std::string_view fingerprint = "'sha256:' and 64 lower-case hex digits";
  findings.expect(is_digest(tombstone.site), "/site", fingerprint, tombstone.site);
  findings.expect(is_dns_label(tombstone.cluster), "/cluster", "a DNS label", tombstone.cluster);
  findings.expect(is_dns_name(tombstone.node), "/node", "a DNS name", tombstone.node);
  findings.expect(is_digest(tombstone.identity), "/identity", fingerprint, tombstone.identity);
  return findings.take();
}

}  // namespace

std::string_view name(OnDelete on_delete) {
  switch (on_delete) {
    case OnDelete::poweroff:
      return "poweroff";
    case OnDelete::reset:
      return "reset";
    case OnDelete::keep:
      return "keep";
  }
  return "keep";
}

Result<OnDelete> parse_on_delete(std::string_view text) {
  for (const auto on_delete : {OnDelete::poweroff, OnDelete::reset, OnDelete::keep}) {
    if (text == name(on_delete)) return on_delete;
  }
  return fail(ErrorKind::invalid, "expected poweroff, reset or keep, found " + in_ticks(text));
}

std::string to_canonical_json(const Tombstone& tombstone) {
  return canonical_text({{"apiVersion", "muster/v1"},
                         {"kind", "Tombstone"},
                         {"site", tombstone.site},
                         {"cluster", tombstone.cluster},
                         {"node", tombstone.node},
                         {"identity", tombstone.identity},
                         {"endedAt", tombstone.ended_at},
                         {"onDelete", name(tombstone.on_delete)}});
}

Result<Tombstone> parse_tombstone(std::string_view text) {
  const auto json = parse_strict_json("tombstone", text, {16u << 10, 2});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  Tombstone tombstone;
  JsonObject root(*json, "", problems);
  root.constant("apiVersion", "muster/v1");
  root.constant("kind", "Tombstone");
  root.text("site", tombstone.site);
  root.text("cluster", tombstone.cluster);
  root.text("node", tombstone.node);
  root.text("identity", tombstone.identity);
  root.number("endedAt", tombstone.ended_at);
  root.word("onDelete", tombstone.on_delete, parse_on_delete);
  root.close();
  if (problems.empty()) problems = check(tombstone);
  if (!problems.empty()) return fail("tombstone", problems);
  return tombstone;
}

}  // namespace muster
