#include "publish/secrets_of_revisions.hpp"

#include <set>

#include "inventory/secret_names.hpp"
#include "records/all_records.hpp"
#include "records/revision.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<std::map<std::uint64_t, std::vector<std::string>>> secrets_of_revisions(
    const Store& store, const std::string& cluster,
    const std::function<bool(const std::string& name)>& asked) {
  const auto records = all_records(store, kinds::revision, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::map<std::uint64_t, std::vector<std::string>> found;
  for (const auto& record : *records) {
    const auto revision = parse_revision(record.value);
    if (!revision) continue;
    std::vector<std::string> names;
    for (const auto& [name, version] : revision->facts.secrets)
      if (asked(name)) names.push_back(name);
    if (names.empty()) continue;  // its files are read for no one else
    const auto inventory = inventory_of(*revision);
    if (!inventory) continue;
    const auto named = secret_names_of(*inventory, cluster);
    std::erase_if(names, [&](const std::string& name) { return !named.contains(name); });
    if (!names.empty()) found[revision->number] = std::move(names);
  }
  return found;
}

Result<std::map<std::uint64_t, std::vector<std::string>>> missing_secrets(
    const Store& store, const std::string& cluster) {
  const auto secrets = list_secrets(store, cluster);
  if (!secrets) return pass(secrets.error());
  std::set<std::string> there;
  for (const auto& secret : *secrets) there.insert(secret.name);
  return secrets_of_revisions(store, cluster,
                              [&](const std::string& name) { return !there.contains(name); });
}

Result<std::map<std::string, std::uint64_t>> secrets_to_go_back_to(
    const Store& store, const std::string& cluster,
    const std::map<std::string, std::uint64_t>& then,
    const std::map<std::string, std::uint64_t>& today, std::vector<std::string>& notes) {
  std::map<std::string, std::uint64_t> versions = then;
  for (auto& [name, version] : versions) {
    const auto newest = today.find(name);
    if (newest == today.end() || newest->second == version) continue;
    const auto there = find_secret_version(store, cluster, name, version);
    if (there) continue;
    if (there.error().kind != ErrorKind::not_found) return pass(there.error());
    notes.push_back(fmt::format(
        "cluster '{}': secret '{}' version {} was removed; where a machine needs it, it gets version {}",
        cluster, name, version, newest->second));
    version = newest->second;
  }
  return versions;
}

}  // namespace muster
