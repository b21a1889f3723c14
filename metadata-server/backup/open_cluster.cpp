#include "backup/open_cluster.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/epoch.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "records/seal.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

std::set<std::string> placed_machines(const Fleet& fleet, const std::string& cluster) {
  std::set<std::string> names;
  const auto served = fleet.current.cluster(cluster);
  if (!served) return names;
  for (const auto& [node, answer] : served->documents) names.insert(node);
  return names;
}

// What its document has may be unknown here.
bool is_news(const SealedCluster& sealed, const Learned& learned) {
  return learned.generation > sealed.seal.generation;
}

// Whether it tells of all bans that it could.
bool is_heard(const SealedCluster& sealed, const Learned& learned) {
  if (sealed.seal.is_unread) return false;  // how new it has to be nobody knows
  const auto own = sealed.seal.masters.find(learned.node);
  return is_as_new(learned, own == sealed.seal.masters.end() ? 0 : own->second);
}

Result<void> compare_secrets(const Fleet& fleet, SealedCluster& sealed) {
  const auto secrets = list_secrets(fleet.store, sealed.name);
  if (!secrets) return pass(secrets.error());
  std::map<std::string, std::uint64_t> known;
  for (const auto& secret : *secrets) known[secret.name] = secret.version;
  std::map<std::string, NewerSecret> newer;
  for (const auto& learned : sealed.heard) {
    if (!is_news(sealed, learned)) continue;
    for (const auto& [name, version] : learned.secrets) {
      NewerSecret& found = newer[name];
      if (version <= known[name] || version <= found.held) continue;
      found = {name, version, known[name], learned.node};
    }
  }
  for (auto& [name, secret] : newer)
    if (secret.held != 0) sealed.newer_secrets.push_back(std::move(secret));
  return {};
}

bool is_key_of(const MachineRecord& record, const std::string& key) {
  return (record.current && record.current->key == key) ||
         (record.previous && record.previous->key == key);
}

// The identity was renewed after the backup was made: the site's own signature says so.
bool is_renewed(const FoundMachine& machine, const Learned& learned) {
  const MachineRecord& record = machine.record;
  return record.current && !machine.ban && !is_key_of(record, learned.key) &&
         learned.issued_at >= record.current->issued_at &&
         std::find(record.renewed.begin(), record.renewed.end(), learned.key) ==
             record.renewed.end();
}

Result<void> take_keys(const Fleet& fleet, const SealedCluster& sealed, Transaction& transaction,
                       std::vector<std::string>& notes) {
  for (const auto& learned : sealed.heard) {
    auto found = find_machine(fleet.store, {learned.cluster, learned.node});
    if (!found) return pass(found.error());
    if (found->version == 0 || !is_renewed(*found, learned)) continue;
    MachineRecord& record = found->record;
    record.previous = record.current;
    record.current =
        IssuedIdentity{learned.key, learned.serial, learned.not_after, learned.issued_at};
    put_machine(*found, transaction);
    notes.push_back(
        fmt::format("{}: the key that it renewed after the backup is its own", learned.node));
  }
  return {};
}

tl::unexpected<Error> stays_sealed(const char* code, std::string message) {
  return fail(ErrorKind::conflict, code, std::move(message));
}

Result<void> check_fit(const SealedCluster& sealed, const OpenOrder& order) {
  if (!order.unheard && !sealed.unheard_masters.empty())
    return stays_sealed(
        "machines_unheard",
        fmt::format(
            "cluster '{0}': expected of each master what it holds, at least as new as the backup, heard none from {1}: it alone may know who was banned since. Wait for it (muster restore status), or, where it is lost, ban by hand whom you banned since, then: muster restore open {0} --unheard",
            sealed.name, fmt::join(sealed.unheard_masters, ", ")));
  if (!sealed.newer_secrets.empty()) {
    std::vector<std::string> names;
    for (const auto& secret : sealed.newer_secrets)
      names.push_back(fmt::format("'{}' (version {}; here {}; it lies on {})", secret.name,
                                  secret.held, secret.known, secret.node));
    return stays_sealed(
        "secrets_newer",
        fmt::format(
            "cluster '{0}': its machines hold newer versions of secrets than this store: {1}. Set each anew (muster secret set NAME --cluster {0}), or restore a newer backup",
            sealed.name, fmt::join(names, ", ")));
  }
  std::vector<std::string> lost = sealed.lost;
  for (const auto& member : sealed.lost_members)
    if (order.members) std::erase(lost, member.node);
  if (!order.drop && !lost.empty())
    return stays_sealed(
        "machines_dropped",
        fmt::format(
            "cluster '{0}': its machines' peer list has {1}, which no inventory here has: apply the folder that has them first; members of pools are let in again with --members; or let them lose their place: muster restore open {0} --drop",
            sealed.name, fmt::join(lost, ", ")));
  return {};
}

}  // namespace

namespace {

// Members of pools that came after the backup, and whom no master's document refuses.
void find_lost_members(SealedCluster& sealed) {
  // Who was removed before the backup would be one, if nothing tells what is newer than it.
  if (sealed.seal.is_unread) return;
  std::set<std::string> refused;
  for (const auto& learned : sealed.heard)
    if (is_news(sealed, learned)) refused.insert(learned.refuses.begin(), learned.refuses.end());
  for (const auto& learned : sealed.heard) {
    const bool is_lost =
        std::find(sealed.lost.begin(), sealed.lost.end(), learned.node) != sealed.lost.end();
    if (is_lost && is_news(sealed, learned) && !learned.pool.empty() &&
        !refused.contains(learned.node))
      sealed.lost_members.push_back(learned);
  }
}

// Name, address, pod network and identity, as the site signed them.
Result<void> take_members(const Fleet& fleet, const SealedCluster& sealed, Transaction& transaction,
                          std::vector<std::string>& notes) {
  auto cluster = find_cluster(fleet.store, sealed.name);
  if (!cluster) return pass(cluster.error());
  bool is_changed = false;
  for (const auto& learned : sealed.lost_members) {
    auto machine = find_machine(fleet.store, {learned.cluster, learned.node});
    if (!machine) return pass(machine.error());
    const auto banned_key = find_banned_key(fleet.store, learned.key);
    if (!banned_key) return pass(banned_key.error());
    if (machine->ban || *banned_key) {
      notes.push_back(fmt::format("{}: banned: not let in", learned.node));
      continue;
    }
    const auto known = find_member(fleet.store, learned.cluster, learned.node);
    if (!known) return pass(known.error());
    const auto holder = find_member_at(fleet.store, learned.address);
    if (!holder) return pass(holder.error());
    if (*known || *holder) {
      notes.push_back(fmt::format("{}: its name or its address {} is another's here: not let in",
                                  learned.node, learned.address));
      continue;
    }
    MemberRecord member;
    member.cluster = learned.cluster;
    member.node = learned.node;
    member.pool = learned.pool;
    member.role = learned.role;
    member.address = learned.address;
    member.key = learned.key;
    member.admitted_at = learned.issued_at;
    add_member(member, transaction);
    machine->record.current =
        IssuedIdentity{learned.key, learned.serial, learned.not_after, learned.issued_at};
    machine->record.enrolled_at = learned.issued_at;
    put_machine(*machine, transaction);
    if (!learned.pod_cidr.empty()) cluster->record.pod_cidrs.change()[learned.node] = learned.pod_cidr;
    is_changed = true;
    notes.push_back(
        fmt::format("{}: let in again as a member of pool {}", learned.node, learned.pool));
  }
  if (!is_changed) return {};
  transaction.expect(kinds::cluster, sealed.name, cluster->version)
      .put(kinds::cluster, sealed.name, to_json(cluster->record));
  return {};
}

}  // namespace

Result<SealedCluster> look_at_sealed(const Fleet& fleet, const std::string& cluster) {
  SealedCluster sealed;
  sealed.name = cluster;
  auto heard = all_learned(fleet.store, cluster);
  if (!heard) return pass(heard.error());
  sealed.heard = std::move(*heard);
  const auto machines = list_machines(fleet.store, cluster);
  if (!machines) return pass(machines.error());
  const auto peers = learned_peers(fleet.store, cluster);
  if (!peers) return pass(peers.error());
  const auto seal = find_seal(fleet.store, cluster);
  if (!seal) return pass(seal.error());
  if (*seal) sealed.seal = **seal;
  const auto restored = find_restored(fleet.store);
  // One that cannot be read says nothing of when (restore status tells it).
  const bool is_known = restored && restored->has_value();
  if (!restored && restored.error().kind != ErrorKind::corrupt) return pass(restored.error());
  std::set<std::string> heard_names, heard_masters;
  for (const auto& learned : sealed.heard) {
    heard_names.insert(learned.node);
    if (learned.is_master && is_heard(sealed, learned)) heard_masters.insert(learned.node);
    sealed.highest_generation =
        std::max({sealed.highest_generation, learned.generation, learned.peers_generation});
    sealed.highest_trust = std::max(sealed.highest_trust, learned.trust_version);
    const auto known = machines->find(learned.node);
    const bool is_unknown = known == machines->end() || !known->second.record.current;
    // Whom the site let in before the backup, and it does not know, was removed before it.
    if (is_unknown && (!is_known || learned.issued_at >= (*restored)->backup_at))
      sealed.unknown.push_back(learned.node);
  }
  const auto served = fleet.current.cluster(cluster);
  for (const auto& [node, machine] : *machines) {
    if (machine.ban) sealed.banned.push_back(node);
    if (machine.ban) heard_masters.erase(node);
    if (!machine.record.current || machine.ban) continue;
    if (!heard_names.contains(node)) sealed.unheard.push_back(node);
    if (heard_masters.contains(node)) continue;
    const auto document = served ? served->documents.find(node) : nullptr;
    if (document && served_identity(*document).role != name(Role::node))
      sealed.unheard_masters.push_back(node);
  }
  sealed.has_master_heard = !heard_masters.empty();
  const auto placed = placed_machines(fleet, cluster);
  for (const auto& name : peers->machines)
    if (!placed.contains(name)) sealed.lost.push_back(name);
  find_lost_members(sealed);
  if (auto compared = compare_secrets(fleet, sealed); !compared) return pass(compared.error());
  return sealed;
}

namespace {

// What the machines showed becomes the store's own; once more, it changes nothing.
Result<void> take_over_learned(const Fleet& fleet, const SealedCluster& sealed,
                               const OpenOrder& order, std::vector<std::string>& notes) {
  Transaction transaction;
  if (auto taken = take_keys(fleet, sealed, transaction, notes); !taken) return taken;
  if (order.members) {
    if (auto taken = take_members(fleet, sealed, transaction, notes); !taken) return taken;
  }
  const auto epoch = find_epoch(fleet.store);
  if (!epoch) return pass(epoch.error());
  const std::uint64_t seen = epoch_of(std::max(sealed.highest_generation, sealed.highest_trust));
  if (seen >= *epoch) {
    if (auto put = put_epoch(fleet.store, seen + 1, transaction); !put) return put;
    notes.push_back(fmt::format("machines know epoch {} already: this is {}", seen, seen + 1));
  }
  auto due =
      mark_due(fleet.store, order.cluster, "restore", order.by, fleet.enrolment.now(), transaction);
  if (!due) return due;
  return commit(fleet.store, transaction);
}

void expect_to_show(const SealedCluster& sealed, TimePoint now, Transaction& transaction) {
  for (const auto& node : sealed.unheard_masters) {
    Unheard unheard;
    unheard.since = unix_seconds(now);
    unheard.generation = sealed.seal.generation;
    const auto own = sealed.seal.masters.find(node);
    if (own != sealed.seal.masters.end()) unheard.own = own->second;
    put_unheard(sealed.name, node, unheard, transaction);
  }
}

// While it is sealed still: what the backup had is served to nobody.
Result<void> publish_anew(const Fleet& fleet, const OpenOrder& order) {
  const auto published = republish(fleet.publishing, order.cluster, order.by);
  if (published) return {};
  const auto& [error, problems, is_lost] = published.error();
  return while_doing(
      Error{error.kind, error.code,
            problems.empty() ? error.message : error.message + ": " + to_text(problems)},
      fmt::format("cluster '{}' stays sealed", order.cluster));
}

}  // namespace

Result<std::vector<std::string>> open_cluster(const Fleet& fleet, const OpenOrder& order,
                                              const ServerAddresses& addresses) {
  const auto seal = fleet.store.get(kinds::sealed, order.cluster);
  if (!seal && seal.error().kind == ErrorKind::not_found)
    return stays_sealed(
        "not_sealed", fmt::format("cluster '{}': not sealed; `muster restore status` shows what is",
                                  order.cluster));
  if (!seal) return pass(seal.error());
  const auto sealed = look_at_sealed(fleet, order.cluster);
  if (!sealed) return pass(sealed.error());
  if (auto fit = check_fit(*sealed, order); !fit) return pass(fit.error());
  std::vector<std::string> notes;
  if (auto taken = take_over_learned(fleet, *sealed, order, notes); !taken)
    return pass(taken.error());
  auto lifted = renew_trust(fleet.store, fleet.sealing, fleet.site, addresses);
  if (!lifted) return pass(lifted.error());
  if (auto published = publish_anew(fleet, order); !published) return pass(published.error());
  Transaction transaction;
  transaction.expect(kinds::sealed, order.cluster, seal->version)
      .remove(kinds::sealed, order.cluster);
  expect_to_show(*sealed, fleet.enrolment.now(), transaction);
  append_audit(
      transaction, fleet.enrolment.now(), order.by, "cluster-opened", order.cluster,
      fmt::format("{} machines heard, {} not", sealed->heard.size(), sealed->unheard.size()));
  if (auto opened = commit(fleet.store, transaction); !opened) return pass(opened.error());
  for (const auto& node : sealed->unknown) {
    const auto machine = find_machine(fleet.store, {order.cluster, node});
    if (machine && machine->version != 0) continue;  // let in again above
    notes.push_back(fmt::format(
        "{}: the backup does not know its identity: it asks again, see muster pending", node));
  }
  const auto& masters = sealed->unheard_masters;
  for (const auto& node : sealed->unheard) {
    if (std::find(masters.begin(), masters.end(), node) == masters.end())
      notes.push_back(fmt::format("{}: not heard of since the restore", node));
  }
  for (const auto& node : masters)
    notes.push_back(fmt::format(
        "{}: a ban that it alone knows of is not known yet: it shows what it holds before it is served",
        node));
  return notes;
}

}  // namespace muster
