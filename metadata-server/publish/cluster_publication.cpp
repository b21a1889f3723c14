#include "publish/cluster_publication.hpp"

#include <algorithm>
#include <map>

#include "document/strict_json.hpp"
#include "inventory/compile.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"
#include "publish/departures.hpp"
#include "publish/fixed_settings.hpp"
#include "publish/recognition.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/pool_member.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_signer.hpp"

namespace muster {

namespace {

// How many revisions of a cluster can be gone back to.
constexpr std::uint64_t kept_revisions = 100;

// Works on one cluster; each step adds to the publication or to the transaction.
class Preparation {
 public:
  Preparation(const PublishContext& context, const ClusterInput& input, Transaction& transaction)
      : context_(context),
        input_(input),
        transaction_(transaction),
        name_(input.found.record.name) {
    publication_.cluster = name_;
    number_ = input.found.record.revision_number + 1;
  }

  Published<ClusterPublication> prepare() {
    const Cluster& cluster = input_.inventory.clusters.at(name_);
    if (auto fixed = check_fixed_settings(context_.store, input_.found.record, cluster); !fixed) {
      return tl::unexpected(refused(fixed.error()));
    }
    auto compiled = compile(input_.inventory, name_, input_.facts);
    if (!compiled) return tl::unexpected(refused(std::move(compiled.error())));
    auto documents = load_published_documents(context_.store, name_);
    if (!documents) return tl::unexpected(refused(documents.error()));
    old_ = std::move(*documents);
    publication_.warnings = std::move(compiled->warnings);
    publication_.upgrades = std::move(compiled->upgrades);
    compare(*compiled);
    if (auto free = check_addresses(*compiled); !free) return tl::unexpected(refused(free.error()));
    if (auto removed = check_removed(); !removed) return tl::unexpected(refused(removed.error()));
    publication_.revision = revision_digest();
    if (input_.dry_run) return std::move(publication_);
    // What got its cluster into quarantine is written anew, though nothing else changes.
    const bool is_current = publication_.revision == input_.found.record.revision &&
                            context_.quarantine.check_free(name_).has_value();
    const auto signer = choose_signer();
    if (!signer) {
      // Nothing to sign, so nothing is wrong with a server that may not.
      if (is_current && input_.signatures == nullptr) return std::move(publication_);
      return tl::unexpected(refused(signer.error()));
    }
    is_resigned_ =
        signer->key_id() != signer_of(input_.found.record, context_.keys.document_key_id());
    if (is_current && !is_resigned_) return std::move(publication_);
    if (auto written = write(*compiled, cluster, *signer); !written) {
      return tl::unexpected(refused(written.error()));
    }
    return std::move(publication_);
  }

 private:
  static constexpr auto unchanged = MachineChange::Kind::unchanged;

  MachineChange& add_change(const std::string& node, MachineChange::Kind kind) {
    return publication_.changes.emplace_back(MachineChange{name_, node, kind, {}, {}, {}, {}});
  }

  void compare(const CompiledCluster& compiled) {
    for (const auto& document : compiled.documents) {
      const std::string& node = document.role.node;
      contents_[node] = sha256_digest(to_canonical_json(document));
      const auto old = old_.find(node);
      MachineChange& change = add_change(node, MachineChange::Kind::added);
      change.needs = needs_of(document, context_.later);
      if (old == old_.end()) continue;
      const bool is_same = old->second.content == contents_[node];
      change.kind = is_same ? unchanged : MachineChange::Kind::changed;
      if (!is_same) compare_with(document, old->second, change);
    }
    peers_content_ = sha256_digest(to_canonical_json(compiled.peers));
    matches_ = recognition_of(input_.inventory, name_);
    for (const auto& [node, old] : old_) {
      if (!contents_.contains(node)) add_change(node, MachineChange::Kind::removed);
    }
  }

  static void compare_with(const NodeDocument& document, const PublishedDocument& old,
                           MachineChange& change) {
    const auto old_document = read_document(*to_served(old));
    if (!old_document) {
      // An earlier program wrote a form that this one does not read; the new one replaces it.
      change.differences = {fmt::format("the whole document: {}", old_document.error().message)};
      change.cost = ChangeCost::restart;
      return;
    }
    describe(*old_document, document, change);
  }

  Result<void> check_addresses(const CompiledCluster& compiled) {
    std::vector<MachineAddress> moved;
    for (std::size_t i = 0; i < compiled.documents.size(); ++i) {
      const auto& role = compiled.documents[i].role;
      // compare() made one change per document, in their order.
      if (publication_.changes[i].kind != unchanged) moved.push_back({role.node, role.address});
    }
    return check_not_of_members(context_.store, name_, moved, transaction_);
  }

  Result<void> check_removed() const {
    if (input_.remove) return {};
    std::string removed;
    for (const auto& change : publication_.changes) {
      if (change.kind != MachineChange::Kind::removed) continue;
      removed += fmt::format("{}'{}'", removed.empty() ? "" : ", ", change.node);
    }
    if (removed.empty()) return {};
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "cluster '{}': this would remove the machines {}. Put them back, or repeat with --remove if they are to go.",
            name_, removed));
  }

  [[nodiscard]] std::string revision_digest() const {
    return sha256_digest(canonical_text({{"cluster", name_},
                                         {"documents", contents_},
                                         {"peers", peers_content_},
                                         {"matches", matches_}}));
  }

  // By the trust list as it is in the store, which the commit guards.
  Result<ClusterSigner> choose_signer() {
    const auto trust = load_trust(context_.store);
    if (!trust) return pass(trust.error());
    transaction_.expect(kinds::site, kinds::site_settings_key, trust->version);
    if (input_.signatures == nullptr) {
      return ClusterSigner::here(context_.keys, trust->list, name_);
    }
    return ClusterSigner::away(*input_.signatures, trust->list, name_);
  }

  PublishedDocument published(const Envelope& envelope, std::string content) const {
    return {std::move(content), digest(envelope), to_json(envelope), number_};
  }
  // What neither its content nor its signer changes stays as it is.
  [[nodiscard]] bool is_kept(const PublishedDocument& old, const std::string& content) const {
    return old.content == content && !is_resigned_;
  }

  Result<void> write(CompiledCluster& compiled, const Cluster& cluster,
                     const ClusterSigner& signer) {
    if (auto written = write_documents(compiled, signer); !written) return written;
    if (auto written = write_peers(compiled.peers, signer); !written) return written;
    if (auto removed = remove_gone(); !removed) return removed;
    write_records(compiled, cluster, signer);
    publication_.is_changed = true;
    return {};
  }

  Result<void> write_documents(CompiledCluster& compiled, const ClusterSigner& signer) {
    for (auto& document : compiled.documents) {
      const std::string& node = document.role.node;
      const auto old = old_.find(node);
      if (old != old_.end() && is_kept(old->second, contents_[node])) continue;
      document.generation = number_;
      const auto envelope = signer.sign_document(node, to_canonical_json(document));
      if (!envelope)
        return while_doing(envelope.error(), fmt::format("machine '{}/{}'", name_, node));
      PublishedDocument made = published(*envelope, contents_[node]);
      made.format = needs_of(document, context_.later).format;
      transaction_.put(kinds::document, kinds::pair_key(name_, node), to_json(made));
    }
    return {};
  }

  Result<void> write_peers(PeerList& peers, const ClusterSigner& signer) {
    const auto record = context_.store.get(kinds::peers, name_);
    if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
    if (record) {
      const auto old = parse_published_document(record->value);
      if (old && is_kept(*old, peers_content_)) return {};
    }
    peers.generation = number_;
    const auto envelope = signer.sign_peers(to_canonical_json(peers));
    if (!envelope) return while_doing(envelope.error(), fmt::format("peer list of '{}'", name_));
    transaction_.put(kinds::peers, name_, to_json(published(*envelope, peers_content_)));
    return {};
  }

  Result<void> remove_gone() {
    for (const auto& change : publication_.changes) {
      if (change.kind != MachineChange::Kind::removed) continue;
      const std::string key = kinds::pair_key(name_, change.node);
      transaction_.remove(kinds::document, key)
          .remove(kinds::report, key)
          .remove(kinds::served, key)
          .remove(kinds::drain, key);
      if (context_.forget) context_.forget(name_, change.node, transaction_);
      if (auto retired = retire(change.node); !retired) return retired;
    }
    return {};
  }

  // A member of a pool that the inventory does not have any more.
  Result<void> retire(const std::string& node) {
    auto member = find_member(context_.store, name_, node);
    if (!member) return pass(member.error());
    if (*member && (*member)->record.removed_at == 0)
      retire_member(std::move(**member), unix_seconds(context_.now()), transaction_);
    return {};
  }

  void write_records(const CompiledCluster& compiled, const Cluster& cluster,
                     const ClusterSigner& signer) {
    const TimePoint now = context_.now();
    const std::int64_t seconds = unix_seconds(now);
    ClusterRecord record = input_.found.record;
    record.revision_number = number_;
    record.revision = publication_.revision;
    record.published_at = seconds;
    record.actor = input_.actor;
    record.fixed = fixed_settings_of(cluster);
    record.document_key = signer.key_id();
    record.banned_machines = input_.facts.banned_machines;
    record.inventory = inventory_digest(input_.files, input_.instance_masters);
    record.releases.clear();
    for (const auto& release : compiled.releases) record.releases[release.name] = release.version;
    for (const auto& [node, network] : compiled.pod_cidrs) record.pod_cidrs[node] = network;
    note_departures(publication_.changes, old_, seconds, unix_seconds(earliest_now(context_)),
                    record.departed);
    Revision revision{name_,
                      number_,
                      publication_.revision,
                      seconds,
                      input_.actor,
                      input_.rollback_of,
                      compiled.documents.size(),
                      input_.files,
                      input_.facts,
                      input_.instance_masters,
                      {}};
    transaction_.expect(kinds::cluster, name_, input_.found.version)
        .put(kinds::cluster, name_, to_json(record))
        .put(kinds::revision, kinds::revision_key(name_, number_), to_json(revision));
    if (number_ > kept_revisions) {
      transaction_.remove(kinds::revision, kinds::revision_key(name_, number_ - kept_revisions));
    }
    append_audit(transaction_, now, input_.actor, input_.action, name_,
                 summary() + (signer.is_away() ? ", signed by " + signer.key_id() : ""));
  }

  [[nodiscard]] std::string summary() const {
    const auto count = [&](MachineChange::Kind kind) {
      return std::count_if(publication_.changes.begin(), publication_.changes.end(),
                           [=](const MachineChange& change) { return change.kind == kind; });
    };
    return fmt::format("revision {} {}: {} added, {} changed, {} removed", number_,
                       publication_.revision, count(MachineChange::Kind::added),
                       count(MachineChange::Kind::changed), count(MachineChange::Kind::removed));
  }

  const PublishContext& context_;
  const ClusterInput& input_;
  Transaction& transaction_;
  const std::string name_;
  std::uint64_t number_ = 0;
  bool is_resigned_ = false;  // by another key than before
  ClusterPublication publication_;
  std::map<std::string, PublishedDocument> old_;  // by node
  std::map<std::string, std::string>
      contents_;  // node -> digest of its document without generation
  std::string peers_content_;
  std::string matches_;  // what machines are recognised by, which documents do not hold in full
};

}  // namespace

PublishRefusal refused(Error error) {
  return {std::move(error), {}};
}

PublishRefusal refused(std::vector<InventoryProblem> problems) {
  Error error{ErrorKind::invalid, fmt::format("inventory: refused, {} problem{}", problems.size(),
                                              problems.size() == 1 ? "" : "s")};
  return {std::move(error), std::move(problems)};
}

Published<ClusterPublication> prepare_publication(const PublishContext& context,
                                                  const ClusterInput& input,
                                                  Transaction& transaction) {
  return Preparation(context, input, transaction).prepare();
}

}  // namespace muster
