// Clusters of which something in the store is not what this program reads: written by an older one,
// or damaged. They are served as they were, their machines stay enrolled, and nothing new is
// published for them; all others go on. In memory: found out again at each start. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct QuarantinedCluster {
  std::string cluster, reason, cure;
};

class Quarantine {
 public:
  // What was looked at of a cluster; each is found sound, or not, by itself.
  enum class Part { record, documents, inventory, order, members };

  // What could not be read of it, or, without an error, that this part is sound.
  void note(const std::string& cluster, Part part, const Result<void>& read);
  // Of a cluster that is no more.
  void forget(const std::string& cluster);
  [[nodiscard]] std::optional<QuarantinedCluster> find(const std::string& cluster) const;
  [[nodiscard]] std::vector<QuarantinedCluster> all() const;  // by name
  [[nodiscard]] std::vector<std::string> names() const;
  // Those of which nothing but documents cannot be read: they are written anew from the rest.
  [[nodiscard]] std::vector<std::string> derived() const;
  // Of those, nothing; of others as check_free.
  [[nodiscard]] Result<void> check_publishable(const std::string& cluster) const;
  // conflict, "quarantined": why nothing is published for it, and the cure.
  [[nodiscard]] Result<void> check_free(const std::string& cluster) const;

 private:
  using Reasons = std::map<Part, std::string>;
  static bool is_derived(const Reasons& reasons) {
    return reasons.size() == 1 && reasons.contains(Part::documents);
  }
  [[nodiscard]] static QuarantinedCluster row_of(const std::string& cluster,
                                                 const Reasons& reasons);

  mutable std::mutex mutex_;
  std::map<std::string, Reasons> clusters_;
};

// The store did not answer: nothing is known of what it holds.
[[nodiscard]] bool is_store_away(const Error& error);

}  // namespace muster
