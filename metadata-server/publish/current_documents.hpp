// What machines are served right now, signed and ready. Readers take a pointer to something that
// never changes, so a publication waits for nobody and nobody waits for it. Fed by the store's feed
// (kinds "cluster", "peers", "document"). Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "document/node_document.hpp"
#include "publish/document_table.hpp"
#include "publish/publication_memory.hpp"
#include "publish/quarantine.hpp"
#include "records/published_document.hpp"
#include "records/revision.hpp"
#include "store/views.hpp"

namespace muster {

struct ServedAnswer {
  std::string body;  // envelope JSON
  std::string etag;  // "\"sha256:...\"", quotes included
  std::uint64_t generation = 0;
  std::uint32_t format = 1;  // who reads less is not given it
  std::string content;       // digest without the generation: what a publication compares
  // "sha256:...", as machines report it.
  [[nodiscard]] std::string_view digest() const {
    return std::string_view(etag).substr(1, etag.size() - 2);
  }
};

// Everything of one cluster at one revision.
struct ServedCluster {
  std::uint64_t revision_number = 0;
  std::string revision;                      // "sha256:..."
  std::uint64_t content = 0;                 // number of the operator's revision that it is of
  std::vector<std::string> banned_machines;  // as its documents have them, sorted
  std::map<std::string, std::string> kept;   // as ClusterRecord has it
  std::shared_ptr<const ServedAnswer> peers;
  DocumentTable documents;
};

class CurrentDocuments final : public View {
 public:
  // A cluster of which a record cannot be read gets into `quarantine`, with what can be read of its
  // documents, and is free again when that is written anew.
  // `memory`: of who publishes.
  explicit CurrentDocuments(Quarantine& quarantine, std::shared_ptr<PublicationMemory> memory =
                                                        std::make_shared<PublicationMemory>())
      : quarantine_(quarantine), memory_(std::move(memory)) {}
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  // nullptr: no such cluster, or no such node in it.
  [[nodiscard]] std::shared_ptr<const ServedAnswer> document(const std::string& cluster,
                                                             const std::string& node) const;
  [[nodiscard]] std::shared_ptr<const ServedAnswer> peers(const std::string& cluster) const;
  [[nodiscard]] std::shared_ptr<const ServedCluster> cluster(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> clusters() const;  // sorted

 private:
  Quarantine& quarantine_;
  const std::shared_ptr<PublicationMemory> memory_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const ServedCluster>> clusters_;
};

// As the store has it, at the revision of `record`; what cannot be read of it is left out.
[[nodiscard]] Result<std::shared_ptr<const ServedCluster>> read_served_cluster(
    const Store& store, const ClusterRecord& record);
[[nodiscard]] std::shared_ptr<const ServedAnswer> to_served(const PublishedDocument& published);
// Who the document is of, without reading all of it: for lists of ten thousand.
struct ServedIdentity {
  std::string role, address, pool;
};
[[nodiscard]] ServedIdentity served_identity(const ServedAnswer& answer);
// The document inside the answer: what certificates and secrets its machine may ask for.
[[nodiscard]] Result<NodeDocument> read_document(const ServedAnswer& answer);

}  // namespace muster
