// Gives members of pools their documents. Many that come at once share a publication: who waits for
// another's finds its own done. Thread-safe.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "publish/publish.hpp"

namespace muster {

class MemberPublisher {
 public:
  explicit MemberPublisher(const PublishContext& context) : context_(context) {}
  // True: the member's document is served. False: its cluster awaits masters; the last of them
  // brings the documents of all. `key`: what tells this member from an earlier one of that name.
  // unavailable: the cluster cannot be published now, with the reason; the member may ask again.
  [[nodiscard]] Result<bool> publish(const std::string& cluster, const std::string& node,
                                     const std::string& key);

 private:
  [[nodiscard]] bool is_served(const std::string& cluster, const std::string& node) const {
    return context_.current.document(cluster, node) != nullptr;
  }
  const PublishContext& context_;
  std::mutex mutex_;
  std::set<std::string> waiting_;  // "cluster/node/key": published, and not served yet
};

}  // namespace muster
