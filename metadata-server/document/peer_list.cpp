#include "document/peer_list.hpp"

#include "document/field_syntax.hpp"
#include "document/json_object.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

bool is_taint_effect(std::string_view text) {
  return text == "NoSchedule" || text == "PreferNoSchedule" || text == "NoExecute";
}

void check_peer(const Peer& peer, const std::string& where, std::vector<Problem>& problems) {
  if (!is_dns_name(peer.name)) {
    problems.push_back({where + "/name", "expected a DNS name, found " + in_ticks(peer.name)});
  }
  if (!is_ipv4(peer.address)) {
    problems.push_back(
        {where + "/address", "expected an IPv4 address, found " + in_ticks(peer.address)});
  }
  if (!peer.pod_cidr.empty() && !parse_cidr(peer.pod_cidr)) {
    problems.push_back(
        {where + "/podCidr", "expected an IPv4 network such as '10.244.3.0/24' or '', found " +
                                 in_ticks(peer.pod_cidr)});
  }
  for (const auto& [key, value] : peer.labels) {
    if (!is_label_key(key) || !is_label_value(value)) {
      problems.push_back({pointer_to(where + "/labels", key),
                          "expected a Kubernetes label, found " + in_ticks(key + "=" + value)});
    }
  }
  for (std::size_t i = 0; i < peer.taints.size(); ++i) {
    const Taint& taint = peer.taints[i];
    if (!is_label_key(taint.key) || !is_label_value(taint.value) ||
        !is_taint_effect(taint.effect)) {
      problems.push_back({pointer_to(where + "/taints", i),
                          "expected a Kubernetes taint, found " +
                              in_ticks(taint.key + "=" + taint.value + ":" + taint.effect)});
    }
  }
}

void check(const PeerList& list, std::vector<Problem>& problems) {
  if (!is_digest(list.site)) {
    problems.push_back(
        {"/site", "expected 'sha256:' and 64 hex digits, found " + in_ticks(list.site)});
  }
  if (!is_dns_label(list.cluster)) {
    problems.push_back({"/cluster", "expected a DNS label, found " + in_ticks(list.cluster)});
  }
  if (list.generation == 0) problems.push_back({"/generation", "expected 1 or more, found 0"});
  for (std::size_t i = 0; i < list.peers.size(); ++i) {
    const std::string where = pointer_to("/peers", i);
    check_peer(list.peers[i], where, problems);
    if (i > 0 && list.peers[i].name <= list.peers[i - 1].name) {
      problems.push_back({where + "/name", "expected names in ascending order, found " +
                                               in_ticks(list.peers[i].name) + " after " +
                                               in_ticks(list.peers[i - 1].name)});
    }
  }
}

}  // namespace

std::string to_canonical_json(const PeerList& list) {
  nlohmann::json peers = nlohmann::json::array();
  for (const Peer& peer : list.peers) {
    nlohmann::json entry = {
        {"name", peer.name}, {"address", peer.address}, {"podCidr", peer.pod_cidr}};
    if (!peer.labels.empty()) entry["labels"] = peer.labels;
    for (const Taint& taint : peer.taints) {
      entry["taints"].push_back(
          {{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
    }
    peers.push_back(std::move(entry));
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
    Peer& peer = list.peers.emplace_back();
    object.text("name", peer.name);
    object.text("address", peer.address);
    object.text("podCidr", peer.pod_cidr);
    object.text_map("labels", peer.labels, Need::optional);
    object.objects(
        "taints",
        [&peer](JsonObject& row) {
          Taint& taint = peer.taints.emplace_back();
          row.text("key", taint.key);
          row.text("value", taint.value, Need::optional);
          row.text("effect", taint.effect);
        },
        Need::optional);
  });
  root.close();
  if (problems.empty()) check(list, problems);
  if (!problems.empty()) return fail("peer list", problems);
  return list;
}

}  // namespace muster
