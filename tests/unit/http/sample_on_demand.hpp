// Clusters on demand of a house, with their scheduler and machines.
#pragma once

#include <doctest/doctest.h>

#include "document/tombstone.hpp"
#include "enrolment/enrol.hpp"
#include "enrolment/join_token.hpp"
#include "enrolment/recover.hpp"
#include "fleet/scheduler.hpp"
#include "records/audit.hpp"
#include "records/secrets.hpp"
#include "sample_rooms.hpp"

namespace sample {

using namespace muster;
using namespace std::chrono_literals;

struct OnDemand : House {
  static std::string pool(const std::string& name, const std::string& role,
                          const std::string& more = "") {
    return "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: " + name +
           "}\nspec: {cluster: small, role: " + role + ", namePattern: '" + name +
           "-{index}', maximum: 5, addressRanges: [10.77.1.0/24], proofs: [token]" + more + "}\n";
  }

  struct Machine {
    PrivateKey key = PrivateKey::generate_p256().value();
    Peer peer;
  };

  std::vector<std::pair<std::string, std::int64_t>> warnings;  // cluster, seconds before its end
  Scheduler scheduler{rooms, std::chrono::minutes(15), [this](const OnDemandCluster& cluster) {
                        warnings.emplace_back(cluster.name,
                                              cluster.expires_at - unix_seconds(time));
                      }};
  OnDemand() {
    // Machines hear of seconds, not of fractions.
    time = std::chrono::floor<std::chrono::seconds>(time);
    make_template(", onDelete: reset");
  }
  void make_template(const std::string& workers) {
    const std::string text = sample::cluster("  nodeCidr: 10.77.0.0/16\n", "small") +
                             pool("m", "master") + pool("w", "node", workers);
    REQUIRE(ask("PUT", "/v1/operator/templates/small", {{"files", {{"s.yaml", text}}}}).status ==
            200);
  }
  void create(const std::string& name, std::chrono::seconds lifetime = 4h) {
    const auto made = ask(
        "POST", "/v1/operator/clusters",
        {{"name", name}, {"template", "small"}, {"nodes", 2}, {"ttlSeconds", lifetime.count()}});
    REQUIRE_MESSAGE(made.status == 200, made.body.dump());
  }
  std::string token(const std::string& cluster, const std::string& pool_name) {
    return create_join_token(enrolment, {cluster, {}, pool_name, Role::node, 3, 1h}, "anna")->text;
  }
  EnrolRequest request(const Machine& machine, ProofPurpose purpose,
                       const std::string& token_text = "") {
    EnrolRequest made;
    made.proof.nonce = nonces.issue();
    made.proof.csr_pem = CertificateRequest::create(machine.key, "x")->pem();
    made.proof.signature =
        machine.key.sign(proof_message(purpose, made.proof.nonce, made.proof.csr_pem)).value();
    made.token = token_text;
    return made;
  }
  Result<EnrolOutcome> enrol(const Machine& machine, const std::string& token_text, int last) {
    return muster::enrol(enrolment, request(machine, ProofPurpose::enrol, token_text),
                         fmt::format("10.77.1.{}", last));
  }
  Machine enrolled(const std::string& cluster, const std::string& pool_name, int last) {
    Machine machine;
    const auto outcome = enrol(machine, token(cluster, pool_name), last);
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    REQUIRE_FALSE(outcome->pending);
    machine.peer.listener = ListenerKind::node;
    machine.peer.certificate = Certificate::from_pem(outcome->certificate_pem).value();
    machine.peer.certificate_id = machine.peer.certificate->fingerprint();
    return machine;
  }
  void pass(std::chrono::seconds span) {
    time += span;
    for (int i = 0; i < 5; ++i) REQUIRE(scheduler.carry_out_due());
    REQUIRE(publisher.look());
  }
  // What the machine is served; the test ends where that is no tombstone of its own.
  Tombstone tombstone(const Machine& machine) {
    const auto answer = ask("GET", "/v1/document", {}, machine.peer);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return read(answer.body.dump(), machine);
  }
  Tombstone read(const std::string& text, const Machine& machine) {
    const auto envelope = parse_envelope(text);
    REQUIRE(envelope);
    const auto key = find_document_key(site.keys.trust()->list, envelope->key_id, "ci");
    REQUIRE(key);
    REQUIRE(verify_envelope(*envelope, tombstone_type, *key));
    auto found = parse_tombstone(envelope->payload);
    REQUIRE(found);
    CHECK(found->identity == machine.key.public_key().fingerprint());
    return *found;
  }
  std::map<std::string, std::uint64_t> rows() {
    std::map<std::string, std::uint64_t> found;
    for (const auto kind :
         {kinds::authority, kinds::revision,  kinds::publication,   kinds::due,
          kinds::cluster,   kinds::document,  kinds::peers,         kinds::machine,
          kinds::member,    kinds::address,   kinds::token,         kinds::pending,
          kinds::secret,    kinds::report,    kinds::served,        kinds::etcd,
          kinds::turn,      kinds::on_demand, kinds::cluster_token, kinds::ended_token,
          kinds::tombstone, kinds::schedule,  kinds::drain}) {
      if (const auto count = site.store.count(kind).value(); count > 0)
        found[std::string(kind)] = count;
    }
    return found;
  }
  std::vector<std::string> audit(const std::string& action) {
    std::vector<std::string> found;
    const auto listed = list_audit(store, "", 1000);
    for (const auto& row : *listed)
      if (row.action == action) found.push_back(row.actor + " " + row.subject);
    return found;
  }
};

}  // namespace sample
