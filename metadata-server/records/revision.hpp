// What was published for one cluster, each numbered in turn and never changed: kind "revision",
// what an operator published, with compile's inputs (files and site facts; compile is pure, so they
// are its output, and small); kind "publication", what machines, bans and time caused, whose files
// are those of the operator's revision before. Kind "cluster" says which one is current.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/load.hpp"
#include "inventory/pod_cidrs.hpp"
#include "inventory/site_facts.hpp"
#include "store/store.hpp"

namespace muster {

struct Revision {
  std::string cluster;
  std::uint64_t number = 0;       // 1, 2, ... per cluster
  std::string digest;             // of what was compiled: documents, peers and matches
  std::int64_t published_at = 0;  // Unix seconds
  std::string actor;
  std::uint64_t rollback_of = 0;  // number of the revision whose content this one repeats
  std::uint64_t machines = 0;     // that it has; 0 also where an earlier program wrote it
  InventoryFiles files;
  SiteFacts facts;
  std::uint64_t instance_masters = 0;  // not 0: the files are a template, this many masters are its
  // Not 0: a publication, with the files of the revision of this number; it has none of its own.
  std::uint64_t content = 0;
  // What for, in words: stored with a publication, seen by list_revisions (revision_cause) of what
  // an operator published.
  std::string cause = {};
};
// Tells revisions of one inventory apart from those that changed it.
[[nodiscard]] std::string inventory_digest(const InventoryFiles& files,
                                           std::uint64_t instance_masters);
// What its files say; of a template, under the cluster's own name.
[[nodiscard]] Checked<Inventory> inventory_of(const Revision& revision);

// What cannot change while machines run on it.
struct FixedSettings {
  std::string pod_cidr, service_cidr, dns_domain, etcd_topology;
  bool operator==(const FixedSettings&) const = default;
};

struct ClusterRecord {
  std::string name;
  std::uint64_t revision_number = 0;
  std::string revision;  // digest
  std::int64_t published_at = 0;
  std::string actor;
  FixedSettings fixed;
  PodCidrs pod_cidrs;
  // Removed node -> Unix seconds until which a certificate that it has may be valid.
  std::map<std::string, std::int64_t> departed;
  std::string document_key;                  // key id of what signed all that it is served
  std::vector<std::string> banned_machines;  // as its documents have them, sorted
  // Node -> why its document is refused now, so that it keeps that of an earlier revision.
  std::map<std::string, std::string> kept;
  // inventory_digest of the current revision; empty where an earlier program wrote the record.
  std::string inventory;
  // Release -> version that its current revision has. Empty in what an earlier program wrote.
  std::map<std::string, std::string> releases;
  // What an earlier program did not write: the number of the revision whose files and catalogue are
  // current, and those that are kept, oldest first.
  std::uint64_t content = 0;
  std::vector<std::uint64_t> history;
};
// The number of the revision whose files are current.
[[nodiscard]] inline std::uint64_t content_of(const ClusterRecord& record) {
  return record.content == 0 ? record.revision_number : record.content;
}
// Of a record that an earlier program wrote, the server's own key.
[[nodiscard]] const std::string& signer_of(const ClusterRecord& record,
                                           const std::string& servers_key);

[[nodiscard]] std::string to_json(const Revision& revision);
[[nodiscard]] Result<Revision> parse_revision(std::string_view json);
[[nodiscard]] std::string to_json(const ClusterRecord& record);
[[nodiscard]] Result<ClusterRecord> parse_cluster_record(std::string_view json);

struct FoundCluster {
  ClusterRecord record;
  std::uint64_t version = 0;  // 0: never published, `record` has only the name
};
[[nodiscard]] Result<FoundCluster> find_cluster(const Store& store, const std::string& name);
// For whatever is first written of a cluster: the commit fails with conflict where the cluster
// ends, or is published, meanwhile; else it would be of the next one of that name. not_found: none.
[[nodiscard]] Result<void> expect_cluster(const Store& store, const std::string& name,
                                          Transaction& transaction);
// Newest first, publications among them; without files and facts. What cannot be read has its
// number, no digest, and the reason as its cause.
[[nodiscard]] Result<std::vector<Revision>> list_revisions(const Store& store,
                                                           const std::string& cluster);
// What was published under `wanted` (as find_revision takes it), a publication without files, too.
[[nodiscard]] Result<Revision> find_published(const Store& store, const std::string& cluster,
                                              std::string_view wanted);
// By digest or at least its first 8 hex digits ("sha256:" may be left out), or by number. The
// newest where several have one digest; for a publication the revision whose files it has.
// not_found; conflict: ambiguous.
[[nodiscard]] Result<Revision> find_revision(const Store& store, const std::string& cluster,
                                             std::string_view wanted);
// What its own files and facts choose, in name order; nothing where this program refuses its files.
[[nodiscard]] std::vector<CatalogueEntry> releases_of(const Revision& revision);
// Digests of the release manifests that going back to any kept revision of any cluster needs, with
// the reason in words: "revision 3 of 'lab' can be gone back to and needs it". A revision that this
// program refuses cannot be gone back to, and needs nothing.
[[nodiscard]] Result<std::map<std::string, std::string>> manifests_of_revisions(const Store& store);
// The inventory of one cluster's current revision, which may name other clusters too: what
// enrolment and boot find machines in. not_found: it was never published.
[[nodiscard]] Result<Inventory> published_inventory(const Store& store, const std::string& cluster);
// The same as far as this program can read it, with why published_inventory would refuse it: for
// what must go on in a cluster that an earlier program published. not_found as above.
struct StoredInventory {
  Inventory inventory;
  Result<void> sound;
};
[[nodiscard]] Result<StoredInventory> stored_inventory(const Store& store,
                                                       const std::string& cluster);
// Of a revision's record.
[[nodiscard]] StoredInventory stored_inventory(const std::string& key, const std::string& text);

}  // namespace muster
