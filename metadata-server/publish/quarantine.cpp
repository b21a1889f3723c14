#include "publish/quarantine.hpp"

namespace muster {

namespace {

std::string cure_of(Quarantine::Part part, const std::string& cluster) {
  switch (part) {
    case Quarantine::Part::inventory:
      return fmt::format(
          "correct its inventory until `muster validate DIR` accepts it, then `muster apply DIR`; of a cluster on demand, let it end, or `muster cluster delete {}`",
          cluster);
    case Quarantine::Part::documents:
      return "the server writes them anew by itself; where it cannot, `muster status` tells why the cluster is due";
    case Quarantine::Part::members:
      return fmt::format(
          "of a member that is named here, NAME: muster node remove NAME --cluster {0}, which begins its record anew from what it is served, drains and removes it (muster node undrain NAME --cluster {0}, and it stays); with --no-drain at once; of one that was removed, too",
          cluster);
    case Quarantine::Part::record:
    case Quarantine::Part::order:
      break;
  }
  return fmt::format(
      "restore the database from a backup of before; or end it whatever can be read of it: `muster cluster delete {0} --confirm {0}`",
      cluster);
}

}  // namespace

void Quarantine::note(const std::string& cluster, Part part, const Result<void>& read) {
  const std::lock_guard lock(mutex_);
  if (!read) {
    clusters_[cluster][part] = read.error().message;
    return;
  }
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return;
  found->second.erase(part);
  if (found->second.empty()) clusters_.erase(found);
}

void Quarantine::forget(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  clusters_.erase(cluster);
}

QuarantinedCluster Quarantine::row_of(const std::string& cluster, const Reasons& reasons) {
  QuarantinedCluster row{cluster, {}, {}};
  for (const auto& [part, reason] : reasons) {
    row.reason += (row.reason.empty() ? "" : "; ") + reason;
    row.cure += (row.cure.empty() ? "" : "; ") + cure_of(part, cluster);
  }
  return row;
}

std::optional<QuarantinedCluster> Quarantine::find(const std::string& cluster) const {
  const std::lock_guard lock(mutex_);
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return std::nullopt;
  return row_of(cluster, found->second);
}

std::vector<QuarantinedCluster> Quarantine::all() const {
  std::vector<QuarantinedCluster> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [cluster, reasons] : clusters_) all.push_back(row_of(cluster, reasons));
  return all;
}

std::vector<std::string> Quarantine::names() const {
  std::vector<std::string> names;
  const std::lock_guard lock(mutex_);
  for (const auto& [cluster, reasons] : clusters_) names.push_back(cluster);
  return names;
}

std::vector<std::string> Quarantine::derived() const {
  std::vector<std::string> names;
  const std::lock_guard lock(mutex_);
  for (const auto& [cluster, reasons] : clusters_)
    if (is_derived(reasons)) names.push_back(cluster);
  return names;
}

Result<void> Quarantine::check_publishable(const std::string& cluster) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = clusters_.find(cluster);
    if (found == clusters_.end() || is_derived(found->second)) return {};
  }
  return check_free(cluster);
}

Result<void> Quarantine::check_free(const std::string& cluster) const {
  const auto found = find(cluster);
  if (!found) return {};
  return fail(ErrorKind::conflict, "quarantined",
              fmt::format("cluster '{}': in quarantine, served as it was: {}. Cure: {}", cluster,
                          found->reason, found->cure));
}

bool is_store_away(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::io ||
         error.kind == ErrorKind::exhausted || error.kind == ErrorKind::timeout;
}

}  // namespace muster
