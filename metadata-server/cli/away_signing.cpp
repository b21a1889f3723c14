#include "cli/away_signing.hpp"

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "document/detached_signature.hpp"
#include "document/strict_json.hpp"
#include "inventory/compile.hpp"

namespace muster {
namespace {

struct SigningFacts {
  SiteFacts facts;
  std::uint64_t generation = 0;
};

Result<SigningFacts> ask_facts(Session& session, const std::string& cluster) {
  const auto answer = session.ask("POST", "clusters/" + escape(cluster) + "/signing");
  if (!answer) return pass(answer.error());
  const auto found = answer->find("facts");
  auto facts = parse_site_facts(found == answer->end() ? "" : canonical_text(*found));
  if (!facts) return pass(facts.error());
  return SigningFacts{std::move(*facts),
                      static_cast<std::uint64_t>(number_at(*answer, "/generation"))};
}

Result<ClusterSignatures> sign(CompiledCluster& compiled, std::uint64_t generation,
                               const PrivateKey& key) {
  ClusterSignatures signatures;
  signatures.key_id = key.public_key().fingerprint();
  for (NodeDocument& document : compiled.documents) {
    document.generation = generation;
    auto made = sign_detached(node_document_type, to_canonical_json(document), key);
    if (!made) return pass(made.error());
    signatures.documents[document.role.node] = std::move(*made);
  }
  compiled.peers.generation = generation;
  auto peers = sign_detached(peer_list_type, to_canonical_json(compiled.peers), key);
  if (!peers) return pass(peers.error());
  signatures.peers = std::move(*peers);
  return signatures;
}

}  // namespace

tl::expected<nlohmann::json, Exit> sign_clusters(Session& session, const Inventory& inventory,
                                                 const std::vector<std::string>& upgrades,
                                                 const PrivateKey& key) {
  nlohmann::json all = nlohmann::json::object();
  std::vector<InventoryProblem> problems;
  for (const auto& [name, cluster] : inventory.clusters) {
    auto known = ask_facts(session, name);
    if (!known) return tl::unexpected(complain(session, known.error()));
    known->facts.upgrades = upgrades;
    auto compiled = compile(inventory, name, known->facts);
    if (!compiled) {
      problems.insert(problems.end(), compiled.error().begin(), compiled.error().end());
      continue;
    }
    const auto signatures = sign(*compiled, known->generation, key);
    if (!signatures) return tl::unexpected(complain(session, signatures.error()));
    all[name] = to_value(*signatures);
  }
  if (!problems.empty()) return tl::unexpected(show_problems(session, problems));
  return all;
}

}  // namespace muster
