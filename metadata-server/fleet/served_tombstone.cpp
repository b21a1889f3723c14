#include "fleet/served_tombstone.hpp"

#include "trust/cluster_signer.hpp"

namespace muster {

Result<Envelope> sign_tombstone(const Fleet& fleet, const std::string& key,
                                const TombstoneRecord& record) {
  Tombstone tombstone;
  tombstone.site = fleet.site.site();
  tombstone.cluster = record.cluster;
  tombstone.node = record.node;
  tombstone.identity = key;
  tombstone.ended_at = record.ended_at;
  tombstone.on_delete = record.on_delete;
  const auto trust = fleet.site.trust();
  const auto signer = ClusterSigner::here(fleet.site, trust->list, record.cluster);
  if (!signer) return pass(signer.error());
  auto envelope = signer->sign_tombstone(to_canonical_json(tombstone));
  if (!envelope) return pass(envelope.error());
  return std::move(*envelope);
}

}  // namespace muster
