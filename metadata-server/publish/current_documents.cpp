#include "publish/current_documents.hpp"

#include <algorithm>
#include <mutex>

#include "document/signed_document.hpp"
#include "records/all_records.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

Result<std::shared_ptr<const ServedAnswer>> read_answer(const Record& record,
                                                        std::string_view kind) {
  const auto published = parse_published_document(record.value);
  if (!published) return while_doing(published.error(), fmt::format("{} '{}'", kind, record.key));
  return to_served(*published);
}

Result<std::shared_ptr<const ServedCluster>> read_cluster(const Store& store,
                                                          const ClusterRecord& record) {
  auto cluster = std::make_shared<ServedCluster>();
  cluster->revision_number = record.revision_number;
  cluster->revision = record.revision;
  const auto revision = find_revision(store, record.name, fmt::to_string(record.revision_number));
  if (!revision) return pass(revision.error());
  cluster->banned_machines = revision->facts.banned_machines;
  const auto peers = store.get(kinds::peers, record.name);
  if (!peers) return pass(peers.error());
  auto answer = read_answer(*peers, kinds::peers);
  if (!answer) return pass(answer.error());
  cluster->peers = std::move(*answer);
  const auto documents = all_records(store, kinds::document, kinds::prefix_of(record.name));
  if (!documents) return pass(documents.error());
  for (const auto& document : *documents) {
    auto served = read_answer(document, kinds::document);
    if (!served) return pass(served.error());
    const auto name = kinds::parse_pair_key(document.key);
    if (name) cluster->documents[name->second] = std::move(*served);
  }
  return cluster;
}

}  // namespace

std::shared_ptr<const ServedAnswer> to_served(const PublishedDocument& published) {
  return std::make_shared<const ServedAnswer>(ServedAnswer{published.envelope,
                                                           fmt::format("\"{}\"", published.digest),
                                                           published.generation, published.format});
}

Result<NodeDocument> read_document(const ServedAnswer& answer) {
  const auto envelope = parse_envelope(answer.body);
  if (!envelope) return pass(envelope.error());
  return parse_node_document(envelope->payload);
}

Result<void> CurrentDocuments::load(const Store& store) {
  const auto records = all_records(store, kinds::cluster);
  if (!records) return pass(records.error());
  std::unordered_map<std::string, std::shared_ptr<const ServedCluster>> loaded;
  for (const auto& record : *records) {
    const auto cluster = parse_cluster_record(record.value);
    if (!cluster) return while_doing(cluster.error(), fmt::format("cluster '{}'", record.key));
    auto served = read_cluster(store, *cluster);
    if (!served) return while_doing(served.error(), fmt::format("cluster '{}'", record.key));
    loaded[cluster->name] = std::move(*served);
  }
  const std::unique_lock lock(mutex_);
  clusters_ = std::move(loaded);
  return {};
}

std::shared_ptr<const ServedCluster> CurrentDocuments::cluster(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = clusters_.find(name);
  return found == clusters_.end() ? nullptr : found->second;
}

std::shared_ptr<const ServedAnswer> CurrentDocuments::document(const std::string& cluster_name,
                                                               const std::string& node) const {
  const auto served = cluster(cluster_name);
  if (!served) return nullptr;
  const auto found = served->documents.find(node);
  return found == served->documents.end() ? nullptr : found->second;
}

std::shared_ptr<const ServedAnswer> CurrentDocuments::peers(const std::string& cluster_name) const {
  const auto served = cluster(cluster_name);
  return served ? served->peers : nullptr;
}

std::vector<std::string> CurrentDocuments::clusters() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, served] : clusters_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

void CurrentDocuments::replace(const std::string& name,
                               std::shared_ptr<const ServedCluster> cluster) {
  const std::unique_lock lock(mutex_);
  auto& place = clusters_[name];
  if (place && place->revision_number > cluster->revision_number) return;
  place.swap(cluster);  // the old one ends after the lock, with its last reader
}

void CurrentDocuments::remove(const std::string& name) {
  const std::unique_lock lock(mutex_);
  clusters_.erase(name);
}

}  // namespace muster
