// A cluster whose machines are members of pools, with a clock that the test moves.
#pragma once

#include "fleet/machine_removal.hpp"
#include "fleet/vanished.hpp"
#include "records/pool_member.hpp"
#include "sample_rooms.hpp"

namespace sample {

inline std::string pool(const std::string& name, const std::string& role,
                        const std::string& more = "", const std::string& cluster_name = "lab") {
  return "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: " + name +
         "}\nspec: {cluster: " + cluster_name + ", role: " + role + ", namePattern: '" + name +
         "-{index}', maximum: 7, addressRanges: [10.77.1.0/24], proofs: [token]" + more + "}\n";
}

// Of clusters on demand: a pool of masters and one of nodes.
inline std::string small_template() {
  return cluster("  nodeCidr: 10.77.0.0/16\n", "small") + pool("m", "master", "", "small") +
         pool("w", "node", "", "small");
}

struct PoolHouse : House {
  std::map<std::string, muster::Peer> peers;

  explicit PoolHouse(const std::string& more = "") {
    apply(cluster("  nodeCidr: 10.77.0.0/16\n") + pool("m", "master") + pool("w", "node", more));
  }
  void admit(const std::string& name, muster::Role role, int address,
             const std::string& cluster_name = "lab") {
    muster::Transaction transaction;
    muster::add_member(
        {cluster_name, name, name.substr(0, 1), role, fmt::format("10.77.1.{}", address),
         "sha256:" + name, muster::unix_seconds(time), 0},
        transaction);
    REQUIRE(muster::mark_due(store, cluster_name, "admitted " + name, "member " + name, time,
                             transaction));
    REQUIRE(store.commit(transaction));
    REQUIRE(publisher.bring_document(cluster_name, name));
  }
  // It is heard of; a master with etcd, and what it says of the duties and of who holds their Lease
  // (an agent before 0.3: nothing).
  void report(const std::string& name, const nlohmann::json& duties = {},
              const std::string& lease_holder = "", bool has_etcd = false) {
    if (!peers.contains(name)) peers[name] = machine(name);
    muster::Report made;
    made.machine_id = "m";
    made.boot_id = "b";
    made.counter = ++counter_;
    made.verdict = muster::Verdict::converged;
    if (!lease_holder.empty()) made.lease_holder = lease_holder;
    if (name.starts_with("m") || has_etcd) {
      made.etcd_cluster_id = "c";
      made.etcd_member_id = "e" + name;
    }
    nlohmann::json body = nlohmann::json::parse(to_json(made));
    if (!duties.is_null()) body["duties"] = duties;
    const auto answer = ask("POST", "/v1/report", body, peers[name]);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
  }
  // m-1 and w-1 to w-<nodes>, all heard of.
  void start(int nodes) {
    admit("m-1", muster::Role::master, 1);
    for (int i = 1; i <= nodes; ++i) admit(fmt::format("w-{}", i), muster::Role::node, 10 + i);
    report("m-1");
    for (int i = 1; i <= nodes; ++i) report(fmt::format("w-{}", i));
  }
  [[nodiscard]] std::uint64_t peers_generation() const { return current.peers("lab")->generation; }
  [[nodiscard]] nlohmann::json duties(const std::vector<nlohmann::json>& drains,
                                      const std::vector<std::string>& leaving = {}) const {
    return {{"peersGeneration", peers_generation()}, {"leaving", leaving}, {"drains", drains}};
  }
  [[nodiscard]] bool is_served(const std::string& name) const {
    return current.document("lab", name) != nullptr;
  }
  std::string state(const std::string& name) {
    return ask("GET", "/v1/operator/nodes/lab/" + name).body.value("state", std::string());
  }
  Answer order(const std::string& name, const std::string& verb, const nlohmann::json& body = {}) {
    return ask("POST", "/v1/operator/nodes/lab/" + name + "/" + verb, body);
  }
  [[nodiscard]] std::string drain_of(const std::string& name) const {
    const auto envelope = nlohmann::json::parse(current.peers("lab")->body);
    const auto list = muster::parse_peer_list(
        muster::base64_decode(envelope.at("payload").get<std::string>()).value());
    for (const auto& peer : list->peers) {
      if (peer.name == name) return std::string(muster::name(peer.drain));
    }
    return "";
  }

 private:
  std::uint64_t counter_ = 0;
};

}  // namespace sample
