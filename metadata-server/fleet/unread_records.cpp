#include "fleet/unread_records.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "enrolment/instance_use.hpp"
#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/operators.hpp"
#include "enrolment/tombstone.hpp"
#include "inventory/own_secrets.hpp"
#include "publish/templates.hpp"
#include "records/all_records.hpp"
#include "records/bans.hpp"
#include "records/drain.hpp"
#include "records/epoch.hpp"
#include "records/on_demand_record.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "records/schedule.hpp"
#include "records/seal.hpp"
#include "records/secrets.hpp"
#include "rollout/etcd_record.hpp"
#include "rollout/turn_record.hpp"
#include "store/kinds.hpp"
#include "trust/site_record.hpp"
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

// Every machine of the site trusts it, and every cluster is published with it.
constexpr const char* restore_of_site =
    "restore the database from a backup of before (muster-server restore): the server goes on with what it has in memory, and does not start again without it";

// Of the site's own, those that nothing takes the place of, and the one that only tells. The clock
// and the store's mark are written anew by the server, and backups tell of their own
// (backup/recovery_key).
Result<void> check_site(const Record& record) {
  if (record.key == kinds::site_settings_key) return check_site_record(record.value);
  if (record.key == kinds::epoch_key) return check_epoch_record(record.value);
  return record.key == kinds::restored_key ? check_restored_record(record.value) : Result<void>();
}

template <Result<void> (*Check)(std::string_view)>
Result<void> check_text(const Record& record) {
  return Check(record.value);
}

const std::array<UnreadKind, 19> unread_kinds = {{
    {kinds::token, "token", Scope::site, check<parse_join_token>, "muster token revoke {0}"},
    {kinds::cluster_template, "template", Scope::site, check<parse_template>,
     "muster template set {0} DIR, or muster template remove {0}"},
    {kinds::operator_record, "operator", Scope::site, check<parse_operator_record>,
     "muster operator revoke {0}; if it is to go on, muster operator add {0} with what it was held to (--templates, --clusters, --machines, --ttl), which nobody can read any more, or with --unrestricted"},
    {kinds::authority, "authority", Scope::site, check_text<check_authority_record>,
     restore_authority},
    {kinds::secret, "secret", Scope::site, check_text<check_secret_record>,
     "muster secret set {3} --cluster {1}, with its value, and then muster apply; or muster secret remove {3} --cluster {1}"},
    {kinds::schedule, "schedule", Scope::site, check_schedule_record, restore},
    {kinds::site, "site", Scope::site, check_site, restore_of_site},
    {kinds::site_key, "site-key", Scope::site, check_text<check_key_record>, restore_of_site},
    {kinds::document_key, "document-key", Scope::site, check_text<check_key_record>,
     restore_of_site},
    {kinds::sealed, "seal", Scope::site, check_text<check_seal_record>,
     "muster restore open {0} --unheard, once you banned by hand whom you banned since the backup: what its masters have to know is not known any more"},
    {kinds::address, "address", Scope::site, check_text<check_address_record>,
     "muster node remove NAME of the member that has it (muster node list): the address is free when its name is"},
    {kinds::instance, "instance", Scope::site, check<parse_instance_use>,
     "start another instance in the place of {0}: whether it was let in before is not known any more, so it is refused until its document is too old for anybody"},
    {kinds::tombstone, "tombstone", Scope::site, check<parse_tombstone_record>,
     "muster-agent reset --yes on the machine with that key, if it runs still: what it is to do at its cluster's end is not known any more; the record goes once its certificates would have ended"},
    {kinds::machine, "machine", Scope::cluster, check<parse_machine_record>,
     "muster ban {2} --cluster {1}, which begins its record anew; then muster unban {2} --cluster {1}, and there muster-agent reset --yes and a new token"},
    {kinds::ban, "ban", Scope::site, check<parse_ban_record>,
     "muster ban {2} --cluster {1} --reason WHY, which writes it anew: it holds, and why is not known any more"},
    {kinds::banned_key, "banned-key", Scope::site, check_text<check_banned_key>, restore},
    {kinds::drain, "drain", Scope::cluster, check<parse_drain_record>,
     "muster node undrain {2} --cluster {1}"},
    {kinds::etcd, "etcd", Scope::cluster, check_etcd,
     "a master whose etcd runs settles it with its next report; where none does any more, muster cluster reinitialise {0} --confirm"},
    {kinds::turn, "turn", Scope::cluster, check<parse_turn_record>,
     "muster node converge MASTER --cluster {0} --cancel, with any of its masters, which forgets the orders that nobody can read; look that none is still converging before you order anew"},
}};

// Where one kind has several.
const char* cure_text(const UnreadKind& kind, std::string_view owner, std::string_view key,
                      std::string_view name) {
  // What the server made itself nobody can set.
  if (kind.kind == kinds::secret && is_own_secret(name)) return restore_own_secret;
  if (kind.kind == kinds::authority && owner == "-") return restore_of_site;
  if (kind.kind == kinds::site && key == kinds::restored_key)
    return "none is needed: it tells when this site was restored, and by it clusters that came after the backup are noted; the next restore writes it anew";
  return kind.cure;
}

std::string cure_of(const UnreadKind& kind, const std::string& key) {
  const auto names = kinds::parse_pair_key(key).value_or(std::pair("", key));
  const std::string name = names.second.substr(0, names.second.find('/'));
  return fmt::format(fmt::runtime(cure_text(kind, names.first, key, name)), key, names.first,
                     names.second, name);
}

// Of the cluster itself, or below it; of every one without a name.
Result<std::vector<Record>> records_of(const Store& store, const UnreadKind& kind,
                                       const std::string& cluster) {
  if (cluster.empty() || (kind.kind != kinds::etcd && kind.kind != kinds::turn))
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

// What puts a cluster into quarantine: told by that.
struct QuarantineKind {
  std::string_view kind;
  Result<void> (*check)(const Record& record);
};
constexpr std::array<QuarantineKind, 3> quarantine_kinds = {{
    {kinds::cluster, check<parse_cluster_record>},
    {kinds::on_demand, check<parse_on_demand_cluster>},
    {kinds::member, check<parse_member_record>},
}};

// Of each cluster the revision whose files are current: older ones cost a way back.
Result<void> add_unread_revisions(const Store& store, std::vector<std::string>& names) {
  const auto clusters = all_records(store, kinds::cluster);
  if (!clusters) return pass(clusters.error());
  for (const auto& record : *clusters) {
    const auto cluster = parse_cluster_record(record.value);
    if (!cluster) continue;
    const std::string key = kinds::revision_key(record.key, content_of(*cluster));
    const auto revision = store.get(kinds::revision, key);
    if (!revision && revision.error().kind != ErrorKind::not_found) return pass(revision.error());
    if (revision && !parse_revision(revision->value))
      names.push_back(fmt::format("{} {}", kinds::revision, key));
  }
  return {};
}

}  // namespace

Result<std::vector<UnreadRecord>> unread_records(const Store& store) {
  return unread_of(store, Scope::site, {});
}

Result<std::vector<std::string>> names_of_unread(const Store& store) {
  std::vector<std::string> names;
  for (const QuarantineKind& kind : quarantine_kinds) {
    const auto records = all_records(store, kind.kind);
    if (!records) return pass(records.error());
    for (const auto& record : *records)
      if (!kind.check(record)) names.push_back(fmt::format("{} {}", kind.kind, record.key));
  }
  if (auto added = add_unread_revisions(store, names); !added) return pass(added.error());
  for (const Scope scope : {Scope::site, Scope::cluster}) {
    const auto unread = unread_of(store, scope, {});
    if (!unread) return pass(unread.error());
    for (const auto& record : *unread)
      names.push_back(fmt::format("{} {}", record.kind, record.name));
  }
  return names;
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

namespace {

// Of what cannot be read, what the message tells of: in the words of who reads it, and by name
// where several say the same.
std::vector<std::string> cures_for(const Fleet& fleet, const std::string& message) {
  std::vector<std::string> named, alike;
  for (const Scope scope : {Scope::site, Scope::cluster}) {
    const auto unread = unread_of(fleet.store, scope, {});
    if (!unread) return {};
    for (const UnreadRecord& record : *unread) {
      if (message.find(record.reason) == std::string::npos) continue;
      const bool is_named = message.find("'" + record.name + "'") != std::string::npos;
      (is_named ? named : alike).push_back(record.cure);
    }
  }
  if (named.empty()) named = std::move(alike);
  if (!named.empty()) return named;
  for (const QuarantinedCluster& row : fleet.quarantine.all()) {
    const bool is_meant = message.find("'" + row.cluster + "'") != std::string::npos ||
                          message.find("'" + row.cluster + "/") != std::string::npos;
    if (is_meant) named.push_back(row.cure);
  }
  return named;
}

}  // namespace

Error with_cure(const Fleet& fleet, Error error) {
  if (error.kind != ErrorKind::corrupt) return error;
  std::vector<std::string> cures = cures_for(fleet, error.message);
  if (cures.empty()) return error;
  constexpr std::size_t most_told = 3;
  const std::size_t left = cures.size() - std::min(cures.size(), most_told);
  cures.resize(cures.size() - left);
  error.message += fmt::format(". Cure: {}", fmt::join(cures, "; "));
  if (left > 0) error.message += fmt::format("; and so for {} more", left);
  return error;
}

}  // namespace muster
