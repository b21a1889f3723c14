#include "publish/todays_facts.hpp"

#include <algorithm>
#include <iterator>

#include "document/field_syntax.hpp"
#include "document/problem.hpp"
#include "publish/publication_number.hpp"
#include "publish/site_facts.hpp"
#include "records/audit.hpp"
#include "records/bans.hpp"
#include "records/clock_record.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {
namespace {

Result<void> check_name(const std::string& cluster) {
  if (is_dns_label(cluster)) return {};
  return fail(ErrorKind::invalid,
              fmt::format("cluster: expected a name such as 'lab', found {}", in_ticks(cluster)));
}

Result<SiteFacts> gather_facts(const PublishContext& context, const ClusterRecord& record,
                               const Inventory* inventory, Transaction& transaction) {
  const std::string& cluster = record.name;
  auto banned = banned_machines(context.store, cluster);
  if (!banned) return pass(banned.error());
  auto members = context.memory->members(context.store, cluster);
  if (!members) return pass(members.error());
  auto facts = gather_site_facts(context.store, context.keys.site(), record, std::move(*banned),
                                 std::move(*members), earliest_now(context));
  if (!facts) return facts;
  auto authorities = prepare_cluster(context.store, context.sealing, cluster, context.now(),
                                     transaction, context.service_account_key);
  if (!authorities) return pass(authorities.error());
  facts->authorities = std::move(*authorities);
  if (const auto served = context.current.cluster(cluster)) {
    auto leaving = may_leave(*served, cluster, *facts, inventory);
    std::move(leaving.begin(), leaving.end(), std::back_inserter(facts->departed_machines));
    std::sort(facts->departed_machines.begin(), facts->departed_machines.end());
  }
  // Those that this very transaction makes.
  facts->secrets.try_emplace(std::string(service_account_key_secret), 1);
  facts->secrets.try_emplace(std::string(encryption_configuration_secret), 1);
  return facts;
}

}  // namespace

Result<SiteFacts> facts_of_today(const PublishContext& context, const ClusterRecord& record,
                                 const Inventory* inventory, Transaction& transaction) {
  auto facts = gather_facts(context, record, inventory, transaction);
  if (!facts) return facts;
  const auto& changes = transaction.changes;
  const bool makes_authority = std::any_of(changes.begin(), changes.end(), [](const auto& change) {
    return change.kind == kinds::authority;
  });
  if (!makes_authority) return facts;
  const TimePoint now = context.now();
  auto known = check_clock(now, earliest_now(context), fmt::format("cluster '{}'", record.name));
  if (!known) return pass(known.error());
  return facts;
}

Result<SiteFacts> preview_facts(const PublishContext& context, const std::string& cluster) {
  if (auto valid = check_name(cluster); !valid) return pass(valid.error());
  const auto found = context.memory->cluster(context.store, cluster);
  if (!found) return pass(found.error());
  Transaction given_up;
  return gather_facts(context, found->record, nullptr, given_up);
}

Result<SigningFacts> prepare_signing(const PublishContext& context, const std::string& cluster,
                                     const std::string& actor) {
  if (auto valid = check_name(cluster); !valid) return pass(valid.error());
  const auto found = find_cluster(context.store, cluster);
  if (!found) return pass(found.error());
  Transaction transaction;
  auto facts = facts_of_today(context, found->record, nullptr, transaction);
  if (!facts) return pass(facts.error());
  if (!transaction.changes.empty()) {
    append_audit(transaction, context.now(), actor, "authorities-created", cluster);
    if (auto committed = context.store.commit(transaction); !committed) {
      return pass(committed.error());
    }
  }
  const auto next = next_publication(context, found->record, true);
  if (!next) return pass(next.error());
  return SigningFacts{std::move(*facts), next->number};
}

}  // namespace muster
