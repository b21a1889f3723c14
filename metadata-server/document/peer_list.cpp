#include "document/peer_list.hpp"

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "document/json_object.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"
#include "document/taint_json.hpp"
#include "document/validation.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

std::vector<Problem> check(const PeerList& list) {
  Findings findings;
  findings.expect(is_digest(list.site), "/site", "'sha256:' and 64 lower-case hex digits",
                  list.site);
  findings.expect(is_dns_label(list.cluster), "/cluster", "a DNS label", list.cluster);
  if (list.generation == 0) findings.add("/generation", "expected 1 or more, found 0");
  for (std::size_t i = 0; i < list.peers.size(); ++i) {
    const PeerEntry& peer = list.peers[i];
    const std::string where = pointer_to("/peers", i);
    findings.expect(is_dns_name(peer.name), where + "/name", "a DNS name", peer.name);
    findings.expect(is_ipv4(peer.address), where + "/address", "an IPv4 address", peer.address);
    findings.expect(peer.pod_cidr.empty() || parse_cidr(peer.pod_cidr), where + "/podCidr",
                    "an IPv4 network such as '10.244.3.0/24' or nothing", peer.pod_cidr);
    if (i > 0) {
      findings.expect(list.peers[i - 1].name < peer.name, where + "/name",
                      "names in ascending order", peer.name);
    }
    validate_labels(peer.labels, where + "/labels", findings);
    validate_taints(peer.taints, where + "/taints", findings);
  }
  return findings.take();
}

}  // namespace

std::string_view name(Drain drain) {
  switch (drain) {
    case Drain::none:
      return "none";
    case Drain::cordon:
      return "cordon";
    case Drain::evict:
      return "evict";
  }
  return "none";
}

Result<Drain> parse_drain(std::string_view text) {
  for (const Drain drain : {Drain::cordon, Drain::evict}) {
    if (text == name(drain)) return drain;
  }
  return fail(ErrorKind::invalid, "expected cordon or evict, found " + in_ticks(text));
}

std::string to_canonical_json(const PeerList& list) {
  nlohmann::json peers = nlohmann::json::array();
  for (const PeerEntry& peer : list.peers) {
    peers.push_back({{"name", peer.name},
                     {"address", peer.address},
                     {"podCidr", peer.pod_cidr},
                     {"labels", peer.labels},
                     {"taints", taints_to_json(peer.taints)}});
    if (peer.drain != Drain::none) peers.back()["drain"] = name(peer.drain);
  }
  return canonical_text({{"apiVersion", "muster/v1"},
                         {"kind", "PeerList"},
                         {"site", list.site},
                         {"cluster", list.cluster},
                         {"generation", list.generation},
                         {"peers", peers}});
}

Result<PeerList> parse_peer_list(std::string_view text) {
  const auto json = parse_strict_json("peer list", text, {maximum_envelope_size});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  PeerList list;
  JsonObject root(*json, "", problems);
  root.constant("apiVersion", "muster/v1");
  root.constant("kind", "PeerList");
  root.text("site", list.site);
  root.text("cluster", list.cluster);
  root.number("generation", list.generation);
  root.objects("peers", [&](JsonObject& object) {
    PeerEntry& peer = list.peers.emplace_back();
    object.text("name", peer.name);
    object.text("address", peer.address);
    object.text("podCidr", peer.pod_cidr);
    object.text_map("labels", peer.labels);
    read_taints(object, peer.taints);
    object.word("drain", peer.drain, parse_drain, Need::optional);
  });
  root.close();
  if (problems.empty()) problems = check(list);
  if (!problems.empty()) return fail("peer list", problems);
  return list;
}

}  // namespace muster
