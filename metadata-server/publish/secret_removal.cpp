#include "publish/secret_removal.hpp"

#include "inventory/suggest.hpp"
#include "publish/current_documents.hpp"
#include "records/all_records.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// The first node whose document names the secret; empty when there is none.
Result<std::string> find_user(const Store& store, const std::string& cluster,
                              const std::string& name) {
  const auto records = all_records(store, kinds::document, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    const auto published = parse_published_document(record.value);
    if (!published) return pass(published.error());
    const auto document = read_document(*to_served(*published));
    if (!document) return pass(document.error());
    for (const auto& reference : document->config.secrets) {
      if (reference.name == name) return document->role.node;
    }
  }
  return std::string();
}

Result<void> not_there(const Store& store, const std::string& cluster, const std::string& name) {
  const auto secrets = list_secrets(store, cluster);
  if (!secrets) return pass(secrets.error());
  std::vector<std::string_view> names;
  for (const auto& secret : *secrets) names.push_back(secret.name);
  const std::string meant = did_you_mean(name, names);
  return fail(
      ErrorKind::not_found,
      fmt::format(
          "cluster '{0}' has no secret '{1}'{2}; `muster secret list --cluster {0}` shows them all",
          cluster, name, meant.empty() ? meant : ", " + meant));
}

}  // namespace

Result<void> remove_secret(Store& store, const std::string& cluster, const std::string& name,
                           std::string_view actor, TimePoint now) {
  // The cluster's version guards against a publication that begins to use the secret meanwhile.
  const auto record = store.get(kinds::cluster, cluster);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  Transaction transaction;
  if (auto added = add_secret_removal(store, cluster, name, actor, now, transaction); !added)
    return added;
  if (transaction.changes.empty()) return not_there(store, cluster, name);
  const auto user = find_user(store, cluster, name);
  if (!user) return pass(user.error());
  if (!user->empty()) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "secret '{0}' of cluster '{1}': machine '{2}' uses it. Take it out of the inventory and apply, then remove it.",
            name, cluster, *user));
  }
  transaction.expect(kinds::cluster, cluster, record ? record->version : 0);
  auto committed = commit(store, transaction);
  if (!committed && committed.error().kind == ErrorKind::conflict)
    committed.error().message +=
        ". The cluster was published meanwhile and may use the secret: it was not removed. Remove it again.";
  return committed;
}

}  // namespace muster
