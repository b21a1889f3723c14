#include "fleet/unread_records.hpp"

#include <array>

#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/operators.hpp"
#include "inventory/own_secrets.hpp"
#include "publish/templates.hpp"
#include "records/all_records.hpp"
#include "records/drain.hpp"
#include "records/schedule.hpp"
#include "records/seal.hpp"
#include "records/secrets.hpp"
#include "rollout/etcd_record.hpp"
#include "rollout/turn_record.hpp"
#include "store/kinds.hpp"
#include "trust/stored_authority.hpp"

namespace muster {

namespace {

enum class Scope { site, cluster };

struct UnreadKind {
  std::string_view kind, word;
  Scope scope;  // cluster: told by its cluster's row, where that cannot be made
  Result<void> (*check)(const Record& record);
  // Of {0}: its key, which for what belongs to a machine is {1}/{2}.
  const char* cure;
};

template <auto Parse>
Result<void> check(const Record& record) {
  const auto parsed = Parse(record.value);
  return parsed ? Result<void>() : pass(parsed.error());
}

Result<void> check_etcd(const Record& record) {
  const auto parsed = parse_etcd_record(record.value);
  return parsed ? Result<void>() : pass(parsed.error());
}

constexpr const char* restore =
    "restore the database from a backup of before, or ask for help with that record";

// Nobody else has it: tokens and Secrets of a cluster that runs are made with it.
constexpr const char* restore_own_secret =
    "restore the database from a backup of before: its cluster's tokens and Secrets are made with it; or end it: muster cluster delete {1} --confirm {1}";

// Its key cannot be made again: nothing that runs trusts another.
constexpr const char* restore_authority =
    "restore the database from a backup of before: no machine of it trusts an authority that is made anew; or end it: muster cluster delete {1} --confirm {1}";

// Of the site's own, the one that only tells.
Result<void> check_restored(const Record& record) {
  return record.key == kinds::restored_key ? check_restored_record(record.value) : Result<void>();
}

const std::array<UnreadKind, 11> unread_kinds = {{
    {kinds::token, "token", Scope::site, check<parse_join_token>, "muster token revoke {0}"},
    {kinds::cluster_template, "template", Scope::site, check<parse_template>,
     "muster template set {0} DIR, or muster template remove {0}"},
    {kinds::operator_record, "operator", Scope::site, check<parse_operator_record>,
     "muster operator revoke {0}; if it is to go on, muster operator add {0} with what it was held to (--templates, --clusters, --machines, --ttl), which nobody can read any more, or with --unrestricted"},
    {kinds::authority, "authority", Scope::site,
     [](const Record& record) { return check_authority_record(record.value); }, restore_authority},
    {kinds::secret, "secret", Scope::site,
     [](const Record& record) { return check_secret_record(record.value); },
     "muster secret set {3} --cluster {1}, with its value, and then muster apply; or muster secret remove {3} --cluster {1}"},
    {kinds::schedule, "schedule", Scope::site, check_schedule_record, restore},
    {kinds::site, "site", Scope::site, check_restored,
     "none is needed: it tells when this site was restored, and by it clusters that came after the backup are noted; the next restore writes it anew"},
    {kinds::machine, "machine", Scope::cluster, check<parse_machine_record>,
     "muster ban {2} --cluster {1}, which begins its record anew; then muster unban {2} --cluster {1}, and there muster-agent reset --yes and a new token"},
    {kinds::drain, "drain", Scope::cluster, check<parse_drain_record>,
     "muster node undrain {2} --cluster {1}"},
    {kinds::etcd, "etcd", Scope::cluster, check_etcd,
     "a master whose etcd runs settles it with its next report; where none does any more, muster cluster reinitialise {0} --confirm"},
    {kinds::turn, "turn", Scope::cluster, check<parse_turn_record>,
     "muster node converge MASTER --cluster {0} --cancel, with any of its masters, which forgets the orders that nobody can read; look that none is still converging before you order anew"},
}};

// What the server made itself nobody can set.
std::string cure_of(const UnreadKind& kind, const std::string& key) {
  const auto names = kinds::parse_pair_key(key).value_or(std::pair("", key));
  const std::string name = names.second.substr(0, names.second.find('/'));
  const char* cure =
      kind.kind == kinds::secret && is_own_secret(name) ? restore_own_secret : kind.cure;
  return fmt::format(fmt::runtime(cure), key, names.first, names.second, name);
}

// Of the cluster itself, or below it.
Result<std::vector<Record>> records_of(const Store& store, const UnreadKind& kind,
                                       const std::string& cluster) {
  if (kind.kind != kinds::etcd && kind.kind != kinds::turn)
    return all_records(store, kind.kind, cluster.empty() ? cluster : kinds::prefix_of(cluster));
  auto record = store.get(kind.kind, cluster);
  if (record) return std::vector<Record>{std::move(*record)};
  if (record.error().kind == ErrorKind::not_found) return std::vector<Record>();
  return pass(record.error());
}

Result<void> add_unread(const Store& store, const UnreadKind& kind, const std::string& cluster,
                        std::vector<UnreadRecord>& unread) {
  const auto records = records_of(store, kind, cluster);
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    const auto sound = kind.check(record);
    if (sound) continue;
    unread.push_back(
        {std::string(kind.word), record.key, sound.error().message, cure_of(kind, record.key)});
  }
  return {};
}

Result<std::vector<UnreadRecord>> unread_of(const Store& store, Scope scope,
                                            const std::string& cluster) {
  std::vector<UnreadRecord> unread;
  for (const UnreadKind& kind : unread_kinds) {
    if (kind.scope != scope) continue;
    if (auto added = add_unread(store, kind, cluster, unread); !added) return pass(added.error());
  }
  return unread;
}

}  // namespace

Result<std::vector<UnreadRecord>> unread_records(const Store& store) {
  return unread_of(store, Scope::site, {});
}

Result<std::string> cure_of_unread(const Store& store, const std::string& cluster) {
  constexpr std::size_t most_told = 3;
  const auto unread = unread_of(store, Scope::cluster, cluster);
  if (!unread) return pass(unread.error());
  if (unread->empty()) return std::string(restore);
  std::string cure;
  for (std::size_t i = 0; i < unread->size() && i < most_told; ++i)
    cure += (cure.empty() ? "" : "; ") + (*unread)[i].cure;
  if (unread->size() > most_told)
    cure += fmt::format("; and so for {} more", unread->size() - most_told);
  return cure;
}

Error with_cure_of_unread(const Store& store, const std::string& cluster, const Error& error) {
  if (error.kind != ErrorKind::corrupt && error.kind != ErrorKind::invalid) return error;
  const auto unread = unread_of(store, Scope::cluster, cluster);
  if (!unread || unread->empty()) return error;
  const auto cure = cure_of_unread(store, cluster);
  if (!cure) return error;
  return {ErrorKind::corrupt, fmt::format("{}. Cure: {}", error.message, *cure)};
}

}  // namespace muster
