// The trust list in force and the chain that leads to it, as the store has them. Values.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "document/trust_list.hpp"
#include "pki/sealed_box.hpp"
#include "trust/site_record.hpp"

namespace muster {

struct SiteTrust {
  TrustList list;
  // Oldest first: per site key that ever was, its own list and the one that hands over to the next.
  std::vector<Envelope> chain;
  std::string answer;         // GET /v1/trust: {"chain":[envelope,...]}
  std::uint64_t version = 0;  // of the site's record: guards what relies on this list
};

// Makes the check that a machine makes: a chain that it would refuse is not served. not_found: no
// site yet, with the cure.
[[nodiscard]] Result<SiteTrust> load_trust(const Store& store);

// With the site key. conflict: it was taken away from this server.
[[nodiscard]] Result<Envelope> sign_trust_list(const Store& store, const SealingKey& sealing,
                                               const FoundSite& site, const TrustList& list);
// Adds it to the transaction, in the place of the newest one. Guarded by the version of `site`.
// conflict: its version is not above that one's.
[[nodiscard]] Result<void> put_trust_list(const FoundSite& site, Envelope list,
                                          Transaction& transaction);

// What is served now. Thread-safe.
class CurrentTrust {
 public:
  explicit CurrentTrust(SiteTrust trust)
      : trust_(std::make_shared<const SiteTrust>(std::move(trust))) {}
  [[nodiscard]] std::shared_ptr<const SiteTrust> get() const;
  // An older list than the one in place is ignored: changes may end in another order than they were
  // committed.
  void replace(SiteTrust trust);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const SiteTrust> trust_;
};

}  // namespace muster
