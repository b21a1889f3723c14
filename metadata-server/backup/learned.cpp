#include "backup/learned.hpp"

#include <algorithm>

#include "document/peer_list.hpp"
#include "document/problem.hpp"
#include "document/strict_json.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/identity.hpp"
#include "enrolment/late_claim.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/way_back.hpp"
#include "pki/unix_seconds.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/record_fields.hpp"
#include "records/revision.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"
#include "trust/site_record.hpp"
#include "trust/site_trust.hpp"

namespace muster {
namespace {

constexpr std::string_view restore_actor = "restore";

constexpr auto learned_fields = [](auto& fields, auto& learned) {
  fields.text("cluster", learned.cluster);
  fields.text("node", learned.node);
  fields.text("key", learned.key);
  fields.text("serial", learned.serial);
  fields.number("issuedAt", learned.issued_at);
  fields.number("notAfter", learned.not_after);
  fields.number("heardAt", learned.heard_at);
  fields.number("generation", learned.generation);
  fields.number("peersGeneration", learned.peers_generation);
  fields.number("trustVersion", learned.trust_version);
  fields.flag("master", learned.is_master);
  fields.text("pool", learned.pool);
  fields.text("address", learned.address);
  fields.text("podCidr", learned.pod_cidr);
  fields.word("role", learned.role, parse_role);
  fields.texts("refuses", learned.refuses);
  fields.texts("refused", learned.refused);
};

// Version numbers as text: the records' maps of numbers are signed.
struct LearnedText {
  Learned learned;
  std::map<std::string, std::int64_t> secrets;
};
constexpr auto text_fields = [](auto& fields, auto& text) {
  learned_fields(fields, text.learned);
  fields.number_map("secrets", text.secrets);
};

constexpr auto peers_fields = [](auto& fields, auto& peers) {
  fields.number("generation", peers.generation);
  fields.texts("machines", peers.machines);
};

// A list that is newer than the server's own, signed by the site key that it has: by it keys may
// have been added and revoked since the backup.
Result<void> take_trust(const EnrolmentContext& context, SiteKeys& keys,
                        const std::vector<Envelope>& chain, Learned& learned) {
  if (chain.empty()) return {};
  const auto list = verify_trust_list(chain, keys.site(), 0);
  if (!list) {
    learned.refused.push_back("trust list: " + list.error().message);
    return {};
  }
  learned.trust_version = list->version;
  if (list->site != keys.site()) {
    learned.refused.push_back(fmt::format(
        "trust list: the site key was replaced by {} after the backup; restore a newer backup",
        list->site));
    return {};
  }
  auto site = find_site(context.store);
  if (!site) return pass(site.error());
  if (list->version <= keys.trust()->list.version) return {};
  SiteRecord record = site->record;
  record.chain = chain;
  Transaction transaction;
  if (auto put = put_site(*site, record, transaction); !put) return put;
  append_audit(transaction, context.now(), restore_actor, "trust-list-learned",
               kinds::pair_key(learned.cluster, learned.node),
               fmt::format("version {}", list->version));
  if (auto done = commit(context.store, transaction); !done) return done;
  auto trust = load_trust(context.store);
  if (!trust) return pass(trust.error());
  keys.replace_trust(std::move(*trust));
  return {};
}

Result<void> verify_held(const Envelope& envelope, std::string_view type, const SiteKeys& keys,
                         const std::string& cluster) {
  const auto key = find_document_key(keys.trust()->list, envelope.key_id, cluster);
  if (!key) return pass(key.error());
  return verify_envelope(envelope, type, *key);
}

std::optional<NodeDocument> take_document(const SiteKeys& keys, const Envelope& envelope,
                                          Learned& learned) {
  const auto refuse = [&](const std::string& why) {
    learned.refused.push_back("document: " + why);
    return std::nullopt;
  };
  if (auto signed_here = verify_held(envelope, node_document_type, keys, learned.cluster);
      !signed_here)
    return refuse(signed_here.error().message);
  auto document = parse_node_document(envelope.payload);
  if (!document) return refuse(document.error().message);
  const NodeName whose{document->role.cluster.name, document->role.node};
  if (document->site != keys.site() || whose != NodeName{learned.cluster, learned.node})
    return refuse(fmt::format("it is of {}/{}", whose.cluster, whose.node));
  learned.generation = document->generation;
  learned.is_master = is_control_plane(document->role.role);
  learned.pool = document->role.pool;
  learned.address = document->role.address;
  learned.pod_cidr = document->role.pod_cidr;
  learned.role = document->role.role;
  learned.refuses = document->config.banned_machines;
  for (const auto& secret : document->config.secrets)
    learned.secrets[secret.name] = std::max(learned.secrets[secret.name], secret.version);
  return std::move(*document);
}

// What the store knew of the cluster when it was restored.
struct Known {
  std::uint64_t generation = 0;
  std::int64_t own = 0;  // of the machine's document, if it is a master
  bool is_late = false;  // the cluster was opened without it
};

Result<Known> find_known(const Store& store, const NodeName& node) {
  const auto seal = find_seal(store, node.cluster);
  if (!seal) return pass(seal.error());
  if (*seal) {
    const auto own = (*seal)->masters.find(node.node);
    return Known{(*seal)->generation, own == (*seal)->masters.end() ? 0 : own->second, false};
  }
  const auto found = find_unheard(store, node.cluster, node.node);
  if (!found) return pass(found.error());
  if (!*found) return Known{};
  return Known{(*found)->unheard.generation, (*found)->unheard.own, true};
}

Result<void> take_peers(const EnrolmentContext& context, const SiteKeys& keys,
                        const Envelope& envelope, const Known& before, Learned& learned) {
  const auto refuse = [&](const std::string& why) {
    learned.refused.push_back("peer list: " + why);
    return Result<void>();
  };
  if (auto signed_here = verify_held(envelope, peer_list_type, keys, learned.cluster); !signed_here)
    return refuse(signed_here.error().message);
  const auto list = parse_peer_list(envelope.payload);
  if (!list) return refuse(list.error().message);
  if (list->site != keys.site() || list->cluster != learned.cluster)
    return refuse(fmt::format("it is of cluster '{}'", list->cluster));
  learned.peers_generation = list->generation;
  if (list->generation <= before.generation) return {};
  LearnedPeers newest;
  newest.generation = list->generation;
  for (const auto& peer : list->peers) newest.machines.push_back(peer.name);
  return update(
      context.store, kinds::learned, learned.cluster,
      [&](const std::optional<std::string>& found, Transaction& transaction) {
        if (found) {
          const auto known = parse_record<LearnedPeers>("learned peers", *found, peers_fields);
          if (known && known->generation >= newest.generation) return Result<void>();
        }
        transaction.put(kinds::learned, learned.cluster, record_text(newest, peers_fields));
        return Result<void>();
      });
}

// Who left before the backup was made, and has no place since: that he is refused is no news.
Result<bool> has_left_before(const Store& store, const NodeName& node) {
  const auto cluster = find_cluster(store, node.cluster);
  if (!cluster) return pass(cluster.error());
  if (!cluster->record.departed.contains(node.node)) return false;
  const auto peers = learned_peers(store, node.cluster);
  if (!peers && peers.error().kind != ErrorKind::corrupt) return pass(peers.error());
  return peers && std::find(peers->machines.begin(), peers->machines.end(), node.node) ==
                      peers->machines.end();
}

Result<void> take_ban(const EnrolmentContext& context, const NodeName& node,
                      const std::vector<Learned>& heard, const std::string& reason) {
  const auto found = find_machine(context.store, node);
  if (!found) return pass(found.error());
  if (found->ban) return {};
  const auto left = found->version == 0 ? has_left_before(context.store, node) : false;
  if (!left) return pass(left.error());
  if (*left) return {};
  std::vector<std::string> keys;
  for (const auto& machine : heard)
    if (machine.node == node.node) keys.push_back(machine.key);
  const auto banned = ban_by_signature(context, node, keys, reason, std::string(restore_actor));
  if (!banned) return pass(banned.error());
  return {};
}

// Whom its API servers refuse has no place here any more: he was banned, or removed, after the
// backup. What was signed before it, or before what another master showed, says nothing of today.
Result<void> take_bans(const EnrolmentContext& context, const NodeDocument& document,
                       const Known& before) {
  const std::string& cluster = document.role.cluster.name;
  if (document.config.banned_machines.empty() || document.generation <= before.generation)
    return {};
  const auto heard = all_learned(context.store, cluster);
  if (!heard) return pass(heard.error());
  for (const auto& other : *heard)
    if (other.is_master && other.generation > document.generation) return {};
  const std::string reason =
      fmt::format("the API servers refuse it by generation {}, which is newer than the backup",
                  document.generation);
  for (const auto& node : document.config.banned_machines) {
    if (auto taken = take_ban(context, {cluster, node}, *heard, reason); !taken) return taken;
  }
  return {};
}

// Of a machine that is banned, the key that it shows is barred too.
Result<void> bar_key(const EnrolmentContext& context, const Learned& learned) {
  const auto ban = find_ban(context.store, learned.cluster, learned.node);
  if (!ban) return pass(ban.error());
  if (!*ban) return {};
  const auto barred = ban_by_signature(context, {learned.cluster, learned.node}, {learned.key},
                                       (*ban)->reason, std::string(restore_actor));
  if (!barred) return pass(barred.error());
  return {};
}

bool is_newer(const Learned& known, const Learned& learned) {
  return known.issued_at > learned.issued_at ||
         (known.issued_at == learned.issued_at && known.generation > learned.generation);
}

}  // namespace

bool is_as_new(const Learned& learned, std::int64_t own) {
  return learned.generation != 0 && learned.generation >= static_cast<std::uint64_t>(own);
}

std::string to_json(const Learned& learned) {
  LearnedText text{learned, {}};
  for (const auto& [name, version] : learned.secrets)
    text.secrets[name] = static_cast<std::int64_t>(version);
  return record_text(text, text_fields);
}

Result<Learned> parse_learned(std::string_view json) {
  auto text = parse_record<LearnedText>("what a machine showed", json, text_fields);
  if (!text) return pass(text.error());
  for (const auto& [name, version] : text->secrets)
    text->learned.secrets[name] = static_cast<std::uint64_t>(version);
  return std::move(text->learned);
}

Result<std::vector<Learned>> all_learned(const Store& store, const std::string& cluster) {
  const auto records = all_records(store, kinds::learned, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::vector<Learned> all;
  for (const auto& record : *records) {
    // One that cannot be read counts as unheard: it shows it again within five minutes.
    if (auto learned = parse_learned(record.value)) all.push_back(std::move(*learned));
  }
  return all;
}

Result<LearnedPeers> learned_peers(const Store& store, const std::string& cluster) {
  const auto record = store.get(kinds::learned, cluster);
  if (!record && record.error().kind == ErrorKind::not_found) return LearnedPeers{};
  if (!record) return pass(record.error());
  auto peers = parse_record<LearnedPeers>("learned peers", record->value, peers_fields);
  if (peers) return peers;
  return fail(
      ErrorKind::corrupt,
      fmt::format(
          "cluster '{}': {}; its machines show their peer list anew within five minutes, then ask again",
          cluster, peers.error().message));
}

Result<Held> parse_held(std::string_view json) {
  const auto body = parse_strict_json("what the machine holds", json, {10u << 20, 16});
  if (!body) return pass(body.error());
  Held held;
  const auto take = [](const nlohmann::json& value) {
    return parse_envelope(canonical_text(value));
  };
  for (const auto& [field, value] : body->items()) {
    if (field == "trust" && value.is_array()) {
      constexpr std::size_t longest_chain = 256;  // a list for each change of a site's keys
      if (value.size() > longest_chain)
        return fail(ErrorKind::invalid, fmt::format("trust: expected at most {} lists, found {}",
                                                    longest_chain, value.size()));
      for (const auto& entry : value) {
        auto envelope = take(entry);
        if (!envelope) return pass(envelope.error());
        held.trust.push_back(std::move(*envelope));
      }
      continue;
    }
    auto envelope = take(value);
    if (!envelope) return while_doing(envelope.error(), in_ticks(field));
    if (field == "document") held.document = std::move(*envelope);
    if (field == "peers") held.peers = std::move(*envelope);
  }
  return held;
}

Result<NodeName> may_show_held(const EnrolmentContext& context,
                               const std::optional<Certificate>& certificate) {
  if (!certificate)
    return fail(ErrorKind::unauthenticated, "certificate_missing",
                "no client certificate: what a machine holds is shown by its identity certificate");
  if (auto ours = check_issuer(context, *certificate); !ours) return pass(ours.error());
  auto node = node_of(*certificate);
  if (!node) return node;
  const auto open = check_not_sealed(context.store, node->cluster);
  if (!open && open.error().code == sealed_code) return node;
  if (!open) return pass(open.error());
  const auto unheard = find_unheard(context.store, node->cluster, node->node);
  if (!unheard) return pass(unheard.error());
  if (*unheard) return node;
  return fail(ErrorKind::conflict, "not_sealed",
              fmt::format("cluster '{}': not sealed: ask for its document", node->cluster));
}

Result<Learned> take_held(const EnrolmentContext& context, SiteKeys& keys,
                          const Certificate& certificate, const Held& held) {
  const auto node = may_show_held(context, certificate);
  if (!node) return pass(node.error());
  Learned learned;
  learned.cluster = node->cluster;
  learned.node = node->node;
  const IssuedIdentity identity = identity_in(certificate);
  learned.key = identity.key;
  learned.serial = identity.serial;
  learned.issued_at = identity.issued_at;
  learned.not_after = identity.not_after;
  learned.heard_at = unix_seconds(context.now());
  const auto before = find_known(context.store, *node);
  if (!before) return pass(before.error());
  if (auto taken = take_trust(context, keys, held.trust, learned); !taken)
    return pass(taken.error());
  std::optional<NodeDocument> document;
  if (held.document) document = take_document(keys, *held.document, learned);
  if (held.peers) {
    if (auto taken = take_peers(context, keys, *held.peers, *before, learned); !taken)
      return pass(taken.error());
  }
  if (document) {
    if (auto taken = take_bans(context, *document, *before); !taken) return pass(taken.error());
  }
  if (auto barred = bar_key(context, learned); !barred) return pass(barred.error());
  const std::string name = kinds::pair_key(learned.cluster, learned.node);
  auto noted = update(context.store, kinds::learned, kinds::pair_key(name, learned.key),
                      [&](const std::optional<std::string>& found, Transaction& transaction) {
                        if (before->is_late && is_as_new(learned, before->own))
                          transaction.remove(kinds::unheard, name);
                        // A copy of a machine does not take back what that has shown.
                        const auto known = found ? parse_learned(*found) : Result<Learned>();
                        if (found && known && is_newer(*known, learned)) return Result<void>();
                        transaction.put(kinds::learned, kinds::pair_key(name, learned.key),
                                        to_json(learned));
                        return Result<void>();
                      });
  if (!noted) return pass(noted.error());
  return learned;
}

}  // namespace muster
