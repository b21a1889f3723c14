#include "enrolment/member_proof.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "enrolment/machine.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

bool asks_for_instance(const NodePool& pool) {
  return std::any_of(pool.proofs.begin(), pool.proofs.end(),
                     [](const auto& proof) { return proof.value == "instanceIdentity"; });
}

AwsPolicy policy_of(const InstancePolicy& written) {
  AwsPolicy policy;
  for (const auto& account : written.accounts) policy.accounts.push_back(account.value);
  for (const auto& region : written.regions) policy.regions.push_back(region.value);
  for (const auto& image : written.images) policy.images.push_back(image.value);
  policy.maximum_age = written.maximum_age;
  return policy;
}

Result<void> check_pinned(const std::vector<AwsRegion>& pinned, const AwsPolicy& policy) {
  for (const AwsRegion& region : pinned) {
    const auto& wanted = policy.regions;
    if (std::find(wanted.begin(), wanted.end(), region.name) != wanted.end()) return {};
  }
  return fail(
      ErrorKind::forbidden, "identity_document_unpinned",
      fmt::format(
          "instance identity document: this server pins no certificate of {0}; put AWS's into the folder of its setting awsCertificates, as {1}.pem, and restart it",
          fmt::join(policy.regions, " or "),
          policy.regions.empty() ? "REGION" : policy.regions.front()));
}

// An operator let another key take over the member that this instance is.
Result<bool> is_replaced(const PoolQuestion& question, const InstanceUse& use) {
  const auto machine = find_machine(question.context.store, {use.cluster, use.node});
  if (!machine) return pass(machine.error());
  const std::string& wanted = machine->record.replace_key;
  return machine->record.replace_ordered && (wanted.empty() || wanted == question.key);
}

enum class Use { first, again, replacing };

Result<Use> check_use(const PoolQuestion& question, const FoundInstanceUse& found) {
  if (found.version == 0) return Use::first;
  const InstanceUse& use = found.use;
  if (use.cluster.empty())
    return fail(
        ErrorKind::conflict, "identity_document_used",
        fmt::format(
            "instance identity document: {} was let in, and its record was lost; launch another instance",
            use.instance));
  const auto is_there = is_member_there(question.context.store, use);
  if (!is_there) return pass(is_there.error());
  if (*is_there && use.key == question.key) return Use::again;
  const auto replaced = is_replaced(question, use);
  if (!replaced) return pass(replaced.error());
  if (*replaced) return Use::replacing;
  const std::string name = kinds::pair_key(use.cluster, use.node);
  question.note.node = name;
  if (*is_there)
    return fail(
        ErrorKind::conflict, "identity_document_used",
        fmt::format(
            "instance identity document: another key used that of {} and is '{}'; if it lost its key, an operator orders `muster node replace {}`, else launch another instance",
            use.instance, name, use.node));
  return fail(
      ErrorKind::conflict, "identity_document_used",
      fmt::format(
          "instance identity document: {} was '{}', which is removed, and is let in once; launch another instance",
          use.instance, name));
}

Result<void> check_source(const PoolQuestion& question, const NodePool& pool,
                          const AwsInstance& instance) {
  if (pool.instance_identity->behind_nat || instance.address == question.source) return {};
  return fail(
      ErrorKind::forbidden, "identity_document_address",
      fmt::format(
          "instance identity document: expected one of the machine at {}, which asks, found one of {}; if the pool's machines reach this server through a NAT, write so as its spec.instanceIdentity.behindNat",
          question.source, instance.address));
}

}  // namespace

Result<ProvenMachine> prove_machine(const PoolQuestion& question, const NodePool& pool) {
  if (!asks_for_instance(pool)) return ProvenMachine{question.source, {}, {}};
  const EnrolmentContext& context = question.context;
  const JoinToken& token = question.token.token;
  if (question.instance_identity.empty() || !pool.instance_identity)
    return fail(
        ErrorKind::forbidden, "proof_missing",
        fmt::format(
            "pool '{}/{}': expected token and instanceIdentity, found a token alone; start the machine on EC2, or take instanceIdentity out of the pool's spec.proofs",
            token.cluster, token.pool));
  const AwsPolicy policy = policy_of(*pool.instance_identity);
  if (auto pinned = check_pinned(context.regions, policy); !pinned) return pass(pinned.error());
  auto instance = read_instance_identity(question.instance_identity, context.regions);
  if (!instance) return pass(instance.error());
  question.note.instance = instance->instance_id;
  if (auto here = check_source(question, pool, *instance); !here) return pass(here.error());
  auto found = find_instance_use(context.store, instance->instance_id);
  if (!found) return pass(found.error());
  const auto use = check_use(question, *found);
  if (!use) return pass(use.error());
  if (*use != Use::again) {
    if (auto allowed = check_instance(*instance, policy, latest_now(context)); !allowed)
      return pass(allowed.error());
  }
  const std::string address = instance->address;
  return ProvenMachine{address, std::move(*instance), std::move(*found)};
}

void use_instance(const ProvenMachine& machine, const MemberRecord& member, std::int64_t now,
                  Transaction& transaction) {
  if (!machine.instance) return;
  FoundInstanceUse found = machine.use;
  found.use.instance = machine.instance->instance_id;
  found.use.key = member.key;
  found.use.cluster = member.cluster;
  found.use.node = member.node;
  found.use.launched_at = unix_seconds(machine.instance->launched);
  found.use.used_at = now;
  put_instance_use(found, transaction);
}

}  // namespace muster
