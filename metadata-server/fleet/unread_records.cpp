#include "fleet/unread_records.hpp"

#include <array>

#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/operators.hpp"
#include "publish/templates.hpp"
#include "records/all_records.hpp"
#include "records/drain.hpp"
#include "records/schedule.hpp"
#include "records/secrets.hpp"
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

constexpr const char* restore =
    "restore the database from a backup of before, or ask for help with that record";

const std::array<UnreadKind, 8> unread_kinds = {{
    {kinds::token, "token", Scope::site, check<parse_join_token>, "muster token revoke {0}"},
    {kinds::cluster_template, "template", Scope::site, check<parse_template>,
     "muster template set {0} DIR, or muster template remove {0}"},
    {kinds::operator_record, "operator", Scope::site, check<parse_operator_record>,
     "muster operator revoke {0}; if it is to go on, muster operator add {0} with what it was held to (--templates, --clusters, --machines, --ttl), which nobody can read any more, or with --unrestricted"},
    {kinds::authority, "authority", Scope::site,
     [](const Record& record) { return check_authority_record(record.value); }, restore},
    {kinds::secret, "secret", Scope::site,
     [](const Record& record) { return check_secret_record(record.value); }, restore},
    {kinds::schedule, "schedule", Scope::site, check_schedule_record, restore},
    {kinds::machine, "machine", Scope::cluster, check<parse_machine_record>,
     "muster ban {2} --cluster {1}, which begins its record anew; then muster unban {2} --cluster {1}, and there muster-agent reset --yes and a new token"},
    {kinds::drain, "drain", Scope::cluster, check<parse_drain_record>,
     "muster node undrain {2} --cluster {1}"},
}};

Result<void> add_unread(const Store& store, const UnreadKind& kind, const std::string& prefix,
                        std::vector<UnreadRecord>& unread) {
  const auto records = all_records(store, kind.kind, prefix);
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    const auto sound = kind.check(record);
    if (sound) continue;
    const auto names = kinds::parse_pair_key(record.key).value_or(std::pair("", record.key));
    unread.push_back({std::string(kind.word), record.key, sound.error().message,
                      fmt::format(fmt::runtime(kind.cure), record.key, names.first, names.second)});
  }
  return {};
}

Result<std::vector<UnreadRecord>> unread_of(const Store& store, Scope scope,
                                            const std::string& prefix) {
  std::vector<UnreadRecord> unread;
  for (const UnreadKind& kind : unread_kinds) {
    if (kind.scope != scope) continue;
    if (auto added = add_unread(store, kind, prefix, unread); !added) return pass(added.error());
  }
  return unread;
}

}  // namespace

Result<std::vector<UnreadRecord>> unread_records(const Store& store) {
  return unread_of(store, Scope::site, {});
}

Result<std::string> cure_of_unread(const Store& store, const std::string& cluster) {
  constexpr std::size_t most_told = 3;
  const auto unread = unread_of(store, Scope::cluster, kinds::prefix_of(cluster));
  if (!unread) return pass(unread.error());
  if (unread->empty()) return std::string(restore);
  std::string cure;
  for (std::size_t i = 0; i < unread->size() && i < most_told; ++i)
    cure += (cure.empty() ? "" : "; ") + (*unread)[i].cure;
  if (unread->size() > most_told)
    cure += fmt::format("; and so for {} more", unread->size() - most_told);
  return cure;
}

}  // namespace muster
