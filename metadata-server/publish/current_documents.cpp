#include "publish/current_documents.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "document/document_text.hpp"
#include "document/signed_document.hpp"
#include "records/all_records.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

Result<std::shared_ptr<const ServedAnswer>> read_answer(std::string_view kind, std::string_view key,
                                                        std::string_view value) {
  const auto published = parse_published_document(value);
  if (!published) return while_doing(published.error(), fmt::format("{} '{}'", kind, key));
  return to_served(*published);
}

void put_head(const ClusterRecord& record, ServedCluster& cluster) {
  cluster.revision_number = record.revision_number;
  cluster.revision = record.revision;
  cluster.content = content_of(record);
  cluster.banned_machines = record.banned_machines;
  cluster.kept = record.kept;
}

// A cluster as far as its records can be read.
struct ReadCluster {
  std::shared_ptr<ServedCluster> served = std::make_shared<ServedCluster>();
  Result<void> sound;  // the first thing that cannot be read
  void note(const Error& error) {
    if (sound) sound = pass(error);
  }
};

Result<void> read_head(const Store& store, const ClusterRecord& record, ReadCluster& cluster) {
  put_head(record, *cluster.served);
  if (!record.inventory.empty()) return {};
  // An earlier program wrote it.
  const auto revision = find_revision(store, record.name, fmt::to_string(record.revision_number));
  if (revision) {
    cluster.served->banned_machines = revision->facts.banned_machines;
  } else if (is_store_away(revision.error())) {
    return pass(revision.error());
  } else {
    cluster.note(revision.error());
  }
  return {};
}

Result<void> read_documents(const Store& store, const std::string& name, ReadCluster& cluster) {
  const auto peers = store.get(kinds::peers, name);
  if (!peers && is_store_away(peers.error())) return pass(peers.error());
  auto answer = peers ? read_answer(kinds::peers, peers->key, peers->value) : pass(peers.error());
  if (answer) cluster.served->peers = std::move(*answer);
  if (!answer) cluster.note(answer.error());
  const auto documents = all_records(store, kinds::document, kinds::prefix_of(name));
  if (!documents) return pass(documents.error());
  std::vector<std::pair<std::string, DocumentTable::Answer>> all;
  for (const auto& document : *documents) {
    auto served = read_answer(kinds::document, document.key, document.value);
    const auto names = kinds::parse_pair_key(document.key);
    if (!served) {
      cluster.note(served.error());
    } else if (names) {
      all.emplace_back(names->second, std::move(*served));
    }
  }
  cluster.served->documents.change(all);
  return {};
}

// What a commit changes of one cluster.
struct ClusterChange {
  std::shared_ptr<const ClusterRecord> record;
  bool is_gone = false;
  std::optional<std::shared_ptr<const ServedAnswer>> peers;
  std::vector<std::pair<std::string, DocumentTable::Answer>> documents;
};

struct UnreadPart {
  std::string cluster;
  Quarantine::Part part;
  Error error;
};

Result<void> read_change(const Transaction::Change& change, PublicationMemory& memory,
                         std::map<std::string, ClusterChange>& clusters) {
  if (change.kind == kinds::cluster) {
    ClusterChange& cluster = clusters[change.key];
    cluster.is_gone = !change.value;
    if (!change.value) return {};
    auto record = memory.read_cluster(change.key, *change.value);
    if (!record) return while_doing(record.error(), fmt::format("cluster '{}'", change.key));
    cluster.record = std::move(*record);
    return {};
  }
  if (change.kind != kinds::peers && change.kind != kinds::document) return {};
  DocumentTable::Answer answer;
  if (change.value) {
    auto read = read_answer(change.kind, change.key, *change.value);
    if (!read) return pass(read.error());
    answer = std::move(*read);
  }
  if (change.kind == kinds::peers) {
    clusters[change.key].peers = std::move(answer);
  } else if (const auto name = kinds::parse_pair_key(change.key)) {
    clusters[name->first].documents.emplace_back(name->second, std::move(answer));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const ServedCluster>> read_served_cluster(const Store& store,
                                                                 const ClusterRecord& record) {
  ReadCluster cluster;
  if (auto read = read_head(store, record, cluster); !read) return pass(read.error());
  if (auto read = read_documents(store, record.name, cluster); !read) return pass(read.error());
  return std::move(cluster.served);
}

std::shared_ptr<const ServedAnswer> to_served(const PublishedDocument& published) {
  return std::make_shared<const ServedAnswer>(
      ServedAnswer{published.envelope, fmt::format("\"{}\"", published.digest),
                   published.generation, published.format, published.content});
}

ServedIdentity served_identity(const ServedAnswer& answer) {
  const auto payload = payload_of(answer.body);
  if (!payload) return {};
  const std::string_view role = split_document(*payload).role;
  // Neither has a letter that JSON escapes.
  const auto text_of = [&](std::string_view field) {
    const std::string_view value = field_of(role, field);
    return value.size() < 2 ? std::string() : std::string(value.substr(1, value.size() - 2));
  };
  return {text_of("role"), text_of("address"), text_of("pool")};
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
    ReadCluster cluster;
    const auto head = parse_cluster_record(record.value);
    quarantine_.note(
        record.key, Quarantine::Part::record,
        head ? Result<void>() : while_doing(head.error(), fmt::format("cluster '{}'", record.key)));
    if (head) {
      if (auto read = read_head(store, *head, cluster); !read) return read;
    }
    if (auto read = read_documents(store, record.key, cluster); !read) return read;
    quarantine_.note(record.key, Quarantine::Part::documents, cluster.sound);
    loaded[record.key] = std::move(cluster.served);
  }
  const std::unique_lock lock(mutex_);
  clusters_ = std::move(loaded);
  return {};
}

Result<void> CurrentDocuments::follow(const Commit& commit) {
  std::map<std::string, ClusterChange> changed;
  Result<void> all;
  std::vector<UnreadPart> unread;
  for (const auto& change : commit.changes) {
    auto read = read_change(change, *memory_, changed);
    if (read) continue;
    const auto names = kinds::parse_pair_key(change.key);
    unread.push_back(
        {change.kind == kinds::document && names ? names->first : change.key,
         change.kind == kinds::cluster ? Quarantine::Part::record : Quarantine::Part::documents,
         read.error()});
    all = pass(read.error());
  }
  for (auto& [name, change] : changed) {
    if (change.is_gone) quarantine_.forget(name);
    std::shared_ptr<const ServedCluster> next;  // none: it is no more
    const auto old = cluster(name);
    if (change.record) quarantine_.note(name, Quarantine::Part::record, {});
    // A publication writes anew whatever could not be read.
    if (change.record && (!old || old->revision_number != change.record->revision_number))
      quarantine_.note(name, Quarantine::Part::documents, {});
    if (!change.is_gone && (old || change.record)) {
      auto made = old ? std::make_shared<ServedCluster>(*old) : std::make_shared<ServedCluster>();
      if (change.record) put_head(*change.record, *made);
      if (change.peers) made->peers = std::move(*change.peers);
      made->documents.change(change.documents);
      next = std::move(made);
    }
    const std::unique_lock lock(mutex_);
    if (next) {
      clusters_[name].swap(next);  // the old one ends after the lock, with its last reader
    } else {
      clusters_.erase(name);
    }
  }
  // It is served as it was: told at once, not at the next start alone.
  for (const auto& [name, part, error] : unread) quarantine_.note(name, part, pass(error));
  return all;
}

std::shared_ptr<const ServedCluster> CurrentDocuments::cluster(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = clusters_.find(name);
  return found == clusters_.end() ? nullptr : found->second;
}

std::shared_ptr<const ServedAnswer> CurrentDocuments::document(const std::string& cluster_name,
                                                               const std::string& node) const {
  const auto served = cluster(cluster_name);
  return served ? served->documents.find(node) : nullptr;
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

}  // namespace muster
