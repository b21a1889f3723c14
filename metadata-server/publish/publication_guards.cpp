#include "publish/publication_guards.hpp"

#include <algorithm>

#include "pki/signature.hpp"
#include "records/all_records.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

bool is_made_by(const Transaction& transaction, std::string_view kind, const std::string& key) {
  return std::any_of(transaction.changes.begin(), transaction.changes.end(),
                     [&](const auto& change) { return change.kind == kind && change.key == key; });
}

// What is missing of one release; empty: nothing, and it is expected to stay.
Result<std::string> expect_release(const Store& store, const std::string& name,
                                   const std::string& version, const std::string& manifest,
                                   Transaction& transaction) {
  const std::string key = kinds::pair_key(name, version);
  const auto record = store.get(kinds::release, key);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  // The record is the canonical manifest.
  if (!record || sha256_digest(record->value) != manifest)
    return fmt::format("\nrelease {} {}: import it again", name, version);
  transaction.expect(kinds::release, key, record->version);
  return std::string();
}

Result<std::string> expect_secret(const Store& store, const std::string& cluster,
                                  const std::string& name, std::uint64_t version,
                                  Transaction& transaction) {
  const std::string key = kinds::secret_key(cluster, name, version);
  if (is_made_by(transaction, kinds::secret, key)) return std::string();
  const auto row = find_secret_version(store, cluster, name, version);
  if (!row && row.error().kind != ErrorKind::not_found) return pass(row.error());
  if (!row)
    return fmt::format(
        "\nsecret '{0}' version {2}: it was removed; set it again with `muster secret set {0} --cluster {1}`, then repeat this: the new value is taken",
        name, cluster, version);
  transaction.expect(kinds::secret, key, *row);
  return std::string();
}

}  // namespace

void NamedContent::add(const MachineConfig& config) {
  for (const auto& release : config.releases)
    releases[{release.name, release.version}] = release.manifest_digest;
  if (config.netboot)
    releases[{config.netboot->name, config.netboot->version}] = config.netboot->manifest_digest;
  for (const auto& secret : config.secrets) secrets.insert({secret.name, secret.version});
}

Result<void> expect_available(const Store& store, const std::string& cluster,
                              const std::string& what, const NamedContent& named,
                              Transaction& transaction) {
  std::string gone;
  for (const auto& [release, manifest] : named.releases) {
    const auto missing =
        expect_release(store, release.first, release.second, manifest, transaction);
    if (!missing) return pass(missing.error());
    gone += *missing;
  }
  for (const auto& [name, version] : named.secrets) {
    const auto missing = expect_secret(store, cluster, name, version, transaction);
    if (!missing) return pass(missing.error());
    gone += *missing;
  }
  if (gone.empty()) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format("cluster '{}': {} needs what is not there any more:{}", cluster, what, gone));
}

Result<void> expect_no_publication(const Store& store, Transaction& transaction) {
  const auto first = store.get(kinds::site, kinds::first_publication_key);
  if (!first && first.error().kind != ErrorKind::not_found) return pass(first.error());
  transaction.expect(kinds::site, kinds::first_publication_key, first ? first->version : 0);
  const auto clusters = all_records(store, kinds::cluster);
  if (!clusters) return pass(clusters.error());
  for (const auto& record : *clusters)
    transaction.expect(kinds::cluster, record.key, record.version);
  return {};
}

void tell_first_publication(Transaction& transaction) {
  transaction.put(kinds::site, kinds::first_publication_key, "{}");
}

}  // namespace muster
