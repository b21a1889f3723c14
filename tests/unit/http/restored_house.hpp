// A restored server, for this room's tests.
#pragma once

#include "backup/restore.hpp"
#include "document/peer_list.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/identity.hpp"
#include "sample_rooms.hpp"

namespace sample {

// The backup had revision 1, and a machine of each kind.
struct RestoredHouse : House {
  muster::Peer m1, n1,
      gone;  // `gone` had an identity before the backup, and lost it before it, too

  explicit RestoredHouse(const std::string& inventory = small_inventory(),
                         bool has_history = false) {
    REQUIRE(views.load());
    apply(inventory);
    m1 = machine("m1");
    n1 = machine("n1");
    gone = renewed("gone");
    if (has_history) {
      REQUIRE(muster::ban(enrolment, {"lab", "n1"}, "lost", "operator anna"));
      apply(inventory);
      REQUIRE(muster::unban(enrolment, {"lab", "n1"}, "operator anna"));
      apply(inventory);
    }
    time += std::chrono::hours(1);
    REQUIRE(muster::begin_anew(store, folder.path("mark"),
                               muster::KeptBackup{1, muster::unix_seconds(time), "", ""}, time));
  }

  // As the site signed it later.
  [[nodiscard]] nlohmann::json document_of(
      const std::string& name, std::uint64_t generation,
      const std::function<void(muster::NodeDocument&)>& change = {}) {
    muster::NodeDocument document = muster::read_document(*current.document("lab", name)).value();
    document.generation = generation;
    if (change) change(document);
    return in_envelope(muster::node_document_type, muster::to_canonical_json(document),
                       site.keys.document_key());
  }
  [[nodiscard]] nlohmann::json peers_of(std::uint64_t generation,
                                        const std::vector<std::string>& names) {
    muster::PeerList list;
    list.site = site.keys.site();
    list.cluster = "lab";
    list.generation = generation;
    for (const auto& name : names) list.peers.push_back({name, "10.77.0.99", "", {}, {}});
    return in_envelope(muster::peer_list_type, muster::to_canonical_json(list),
                       site.keys.document_key());
  }
  static nlohmann::json in_envelope(std::string_view type, const std::string& text,
                                    const muster::PrivateKey& key) {
    return nlohmann::json::parse(muster::to_json(muster::sign_envelope(type, text, key).value()));
  }
  // The inventory with a pool, whose members came after the backup.
  void apply_with_pool() {
    const std::string pool =
        "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: ci}\nspec: {cluster: lab, role: node, namePattern: 'ci-{index}', maximum: 9, addressRanges: [10.77.9.0/24], proofs: [token]}\n";
    apply(cluster("  nodeCidr: 10.77.0.0/16\n") + node("m1", "master", 11) +
              node("n1", "node", 21) + pool,
          true);
  }
  static auto as_member(const std::string& name, const std::string& address,
                        const std::string& pod_cidr = {}) {
    return [=](muster::NodeDocument& document) {
      document.role.node = name;
      document.role.pool = "ci";
      document.role.address = address;
      if (!pod_cidr.empty()) document.role.pod_cidr = pod_cidr;
      document.role.macs.clear();
    };
  }
  Answer show(const muster::Peer& peer, const nlohmann::json& held) {
    return ask("POST", "/v1/held", held, peer);
  }
  Answer open(const nlohmann::json& how = {}) {
    return ask("POST", "/v1/operator/restore/lab/open",
               how.is_null() ? nlohmann::json::object() : how);
  }
  nlohmann::json sealed() { return ask("GET", "/v1/operator/restore").body["clusters"].at(0); }
  // Of a key that the backup does not know.
  muster::Peer renewed(const std::string& name) {
    const auto key = muster::PrivateKey::generate_p256().value();
    const auto issued = muster::issue_identity(enrolment, {"lab", name}, key.public_key()).value();
    muster::Peer peer;
    peer.listener = muster::ListenerKind::node;
    peer.certificate = muster::Certificate::from_pem(issued.certificate_pem).value();
    peer.certificate_id = peer.certificate->fingerprint();
    return peer;
  }
};

}  // namespace sample
