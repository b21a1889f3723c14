#include "enrolment/quota.hpp"

#include <algorithm>
#include <set>

#include "document/problem.hpp"
#include "records/all_records.hpp"
#include "records/on_demand_record.hpp"
#include "records/pool_member.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

struct Usage {
  std::set<std::string> clusters;
  std::uint64_t version = 0;   // of the index; 0: there is none yet
  std::uint32_t machines = 0;  // of these clusters
};

struct UsageRecord {
  std::vector<std::string> clusters;  // sorted
};

constexpr auto usage_fields = [](auto& fields, auto& record) {
  fields.texts("clusters", record.clusters);
};

// Those that it made before it was restricted too: a look at all clusters, once.
Result<std::set<std::string>> created_by(const Store& store, const std::string& actor) {
  const auto all = list_on_demand(store);
  if (!all) return pass(all.error());
  std::set<std::string> names;
  for (const auto& cluster : *all) {
    if (cluster.created_by == actor) names.insert(cluster.name);
  }
  return names;
}

Result<Usage> read_index(const Store& store, const Caller& caller) {
  Usage usage;
  const auto record = store.get(kinds::usage, caller.name);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  if (record) usage.version = record->version;
  const auto index = record ? parse_record<UsageRecord>("usage record", record->value, usage_fields)
                            : Result<UsageRecord>(pass(record.error()));
  if (index) {
    usage.clusters.insert(index->clusters.begin(), index->clusters.end());
    return usage;
  }
  // None, or none that can be read: it is made anew.
  auto names = created_by(store, caller.text());
  if (!names) return pass(names.error());
  usage.clusters = std::move(*names);
  return usage;
}

// As many as were asked for, or as are still there: a scale-in frees its places when it is done.
Result<std::uint32_t> machines_of(const Store& store, const OnDemandCluster& cluster) {
  const auto members = list_members(store, cluster.name);
  if (!members) return pass(members.error());
  const auto there = std::count_if(members->begin(), members->end(),
                                   [](const auto& member) { return member.removed_at == 0; });
  return std::max(cluster.masters + cluster.nodes, static_cast<std::uint32_t>(there));
}

// The records decide, not the index: a cluster that expired or was deleted leaves it here.
Result<Usage> read_usage(const Store& store, const Caller& caller, const std::string& without) {
  auto usage = read_index(store, caller);
  if (!usage) return usage;
  for (auto name = usage->clusters.begin(); name != usage->clusters.end();) {
    const auto found = find_on_demand(store, *name);
    if (!found && found.error().kind != ErrorKind::not_found) return pass(found.error());
    if (!found || found->cluster.created_by != caller.text() || *name == without) {
      name = usage->clusters.erase(name);
      continue;
    }
    const auto machines = machines_of(store, found->cluster);
    if (!machines) return pass(machines.error());
    usage->machines += *machines;
    ++name;
  }
  return usage;
}

tl::unexpected<Error> exceeded(const Caller& caller, const std::string& what) {
  return fail(ErrorKind::forbidden, "quota_exceeded",
              fmt::format("{}: {}, or have an operator run `muster operator limit {}`",
                          caller.text(), what, caller.name));
}

Result<OperatorLimits> limits_of(const Store& store, const Caller& caller) {
  const auto record = find_operator(store, caller.name);
  if (!record) return pass(record.error());
  if (record->limits) return *record->limits;
  // They were lifted between this request's first look and now: ask again as who you are.
  return fail(ErrorKind::conflict, "limits_changed",
              fmt::format("{}: its limits changed meanwhile; ask again", caller.text()));
}

Result<void> check_template(const Caller& caller, const OperatorLimits& limits,
                            const std::string& wanted) {
  const auto& may = limits.templates;
  if (wanted.empty() || std::find(may.begin(), may.end(), wanted) != may.end()) return {};
  return fail(
      ErrorKind::forbidden, "template_not_allowed",
      fmt::format(
          "{}: expected one of the templates {}, found {}; have an operator run `muster operator limit {}`",
          caller.text(), fmt::join(may, ", "), in_ticks(wanted), caller.name));
}

}  // namespace

Result<void> check_owns(const Store& store, const Caller& caller, const std::string& cluster) {
  if (!caller.restricted) return {};
  const auto found = find_on_demand(store, cluster);
  if (!found && found.error().kind != ErrorKind::not_found) return pass(found.error());
  if (!found || found->cluster.created_by != caller.text()) {
    return fail(
        ErrorKind::not_found, "not_found",
        fmt::format("cluster {}: not one that {} created; `muster cluster list` shows those",
                    in_ticks(cluster), caller.text()));
  }
  return {};
}

Error restricted(const Caller& caller) {
  return {
      ErrorKind::forbidden, "operator_restricted",
      fmt::format(
          "{}: it may create clusters from templates, and list, scale, extend and delete its own; for anything else ask an operator without limits",
          caller.text())};
}

Result<void> claim_quota(const Store& store, const Caller& caller, const ClusterClaim& claim,
                         Transaction& transaction) {
  if (!caller.restricted) return {};
  const auto limits = limits_of(store, caller);
  if (!limits) return pass(limits.error());
  if (auto allowed = check_template(caller, *limits, claim.template_name); !allowed) return allowed;
  auto usage = read_usage(store, caller, claim.cluster);
  if (!usage) return pass(usage.error());
  if (usage->clusters.size() >= limits->clusters) {
    return exceeded(
        caller,
        fmt::format(
            "expected at most {} clusters at once, {} are there; delete one with `muster cluster delete`",
            limits->clusters, usage->clusters.size()));
  }
  if (usage->machines + claim.machines > limits->machines) {
    return exceeded(
        caller,
        fmt::format(
            "expected at most {} machines at once, {} are in use and {} were asked for; ask for fewer, delete a cluster with `muster cluster delete`",
            limits->machines, usage->machines, claim.machines));
  }
  usage->clusters.insert(claim.cluster);
  const UsageRecord index{{usage->clusters.begin(), usage->clusters.end()}};
  transaction.expect(kinds::usage, caller.name, usage->version)
      .put(kinds::usage, caller.name, record_text(index, usage_fields));
  return {};
}

Result<std::optional<std::set<std::string>>> usable_templates(const Store& store,
                                                              const Caller& caller) {
  if (!caller.restricted) return std::nullopt;
  const auto limits = limits_of(store, caller);
  if (!limits) return pass(limits.error());
  return std::set<std::string>(limits->templates.begin(), limits->templates.end());
}

Result<void> check_lifetime(const Store& store, const Caller& caller, std::int64_t created_at,
                            std::int64_t expires_at) {
  if (!caller.restricted) return {};
  const auto limits = limits_of(store, caller);
  if (!limits) return pass(limits.error());
  const std::int64_t most = limits->lifetime.count(), asked = expires_at - created_at;
  if (asked <= most) return {};
  return exceeded(
      caller,
      fmt::format(
          "expected a cluster to live at most {} s from its making, found {} s; ask for less", most,
          asked));
}

}  // namespace muster
