// A site in memory that admits machines: an inventory of one cluster, a clock that tests set, and
// machines with keys of their own.
#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "enrolment/enrol.hpp"
#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

namespace sample {

using namespace std::chrono_literals;

inline muster::Node node(const std::string& name, muster::Role role, const std::string& mac,
                         const std::string& cluster = "lab") {
  muster::Node made;
  made.name.value = name;
  made.cluster.value = cluster;
  made.role.value = role;
  made.match.macs = {{mac, {}}};
  return made;
}

inline std::string mac(int last) {
  return fmt::format("02:4d:55:00:00:{:02x}", last);
}

// Two clusters; the pool "ci" of "lab" has room for three at 10.77.1.0/24.
inline muster::Inventory inventory() {
  muster::Inventory made;
  for (const char* name : {"lab", "other"}) made.clusters[name].name.value = name;
  made.nodes = {node("m1", muster::Role::master, mac(11)),
                node("m2", muster::Role::follower, mac(12)),
                node("n1", muster::Role::node, mac(21)), node("n2", muster::Role::node, mac(22)),
                node("o1", muster::Role::node, mac(31), "other")};
  made.nodes[0].address.value = "10.77.1.11";
  muster::NodePool pool;
  pool.name.value = "ci";
  pool.cluster.value = "lab";
  pool.role.value = muster::Role::node;
  pool.name_pattern.value = "ci-{index}";
  pool.maximum.value = 3;
  pool.proofs = {{"token", {}}};
  pool.address_ranges = {{"10.77.1.0/24", {}}};
  made.pools = {pool};
  return made;
}

// A machine: its key, and its hardware by the last byte of its MAC.
struct Machine {
  muster::PrivateKey key = muster::PrivateKey::generate_p256().value();
  int hardware = 0;
  [[nodiscard]] std::string fingerprint() const { return key.public_key().fingerprint(); }
};

struct Enrolment {
  muster::MemoryStore store;
  muster::StoredAuthority authority = make_authority();
  muster::Nonces nonces;
  muster::RefusalLog refusals;
  muster::AuditCounts counts;
  std::shared_ptr<const muster::EnrolmentInventory> inventory =
      std::make_shared<const muster::EnrolmentInventory>(sample::inventory());
  muster::TimePoint now =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  muster::EnrolmentContext context{store,
                                   authority,
                                   nonces,
                                   refusals,
                                   counts,
                                   [this] { return inventory; },
                                   [this] { return now; },
                                   {}};

  Enrolment() {
    muster::Transaction published;
    for (const char* name : {"lab", "other"}) {
      muster::ClusterRecord cluster;
      cluster.name = name;
      published.put(muster::kinds::cluster, name, muster::to_json(cluster));
    }
    REQUIRE(store.commit(published));
  }
  Enrolment(const Enrolment&) = delete;

  static muster::StoredAuthority make_authority() {
    auto made = muster::CertificateAuthority::create("machines", 24h * 3650).value();
    const auto certificate = made.certificate();
    return {std::move(made), {certificate}};
  }
  muster::KeyProof proof(const muster::PrivateKey& key, muster::ProofPurpose purpose) {
    muster::KeyProof made;
    made.nonce = nonces.issue();
    made.csr_pem = muster::CertificateRequest::create(key, "system:masters")->pem();
    made.signature = key.sign(muster::proof_message(purpose, made.nonce, made.csr_pem)).value();
    return made;
  }
  muster::EnrolRequest request(const Machine& machine, const std::string& token = "") {
    muster::EnrolRequest made;
    made.proof = proof(machine.key, muster::ProofPurpose::enrol);
    made.token = token;
    if (machine.hardware != 0) made.hints.macs = {mac(machine.hardware)};
    return made;
  }
  muster::Result<muster::EnrolOutcome> enrol(const Machine& machine,
                                             const std::string& token = "") {
    return muster::enrol(context, request(machine, token), "10.77.0.21");
  }
  // The certificate; the test ends where there is none.
  muster::Certificate enrolled(const Machine& machine, const std::string& token) {
    auto outcome = enrol(machine, token);
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    REQUIRE_FALSE(outcome->pending);
    return muster::Certificate::from_pem(outcome->certificate_pem).value();
  }
  std::string token(muster::Role role = muster::Role::node, std::uint32_t count = 1,
                    const std::string& node_name = "") {
    muster::NewJoinToken order;
    order.cluster = "lab";
    order.node = node_name;
    order.role = role;
    order.count = count;
    return muster::create_join_token(context, order, "operator anna")->text;
  }
  std::string pool_token(std::uint32_t count = 1) {
    muster::NewJoinToken order;
    order.cluster = "lab";
    order.pool = "ci";
    order.count = count;
    return muster::create_join_token(context, order, "operator anna")->text;
  }
  [[nodiscard]] muster::MachineRecord record(const std::string& name) const {
    return muster::find_machine(store, {"lab", name})->record;
  }
  // "actor action subject detail" of the audit's rows of one action, in their order.
  [[nodiscard]] std::vector<std::string> audit(const std::string& action) {
    std::vector<std::string> rows;
    REQUIRE(counts.flush(store, now));
    const auto listed = muster::list_audit(store, "", 1000);
    for (const auto& row : *listed) {
      if (row.action == action)
        rows.push_back(fmt::format("{} {} {}", row.actor, row.subject, row.detail));
    }
    return rows;
  }
};

// What a refusal says: "code: message".
template <class T>
std::string refusal(const muster::Result<T>& granted) {
  REQUIRE_FALSE(granted);
  return granted.error().code + ": " + granted.error().message;
}

}  // namespace sample
