// A store of which views are always behind: each commit takes place, and is told not to be seen.
#pragma once

#include "fakes/forwarding_store.hpp"

namespace muster {

class BehindStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  [[nodiscard]] Result<std::uint64_t> commit(const Transaction& transaction) override {
    auto committed = ForwardingStore::commit(transaction);
    if (!committed) return committed;
    return fail(ErrorKind::unavailable, "views_behind", "the views are behind");
  }
};

}  // namespace muster
