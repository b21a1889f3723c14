#include "publish/cluster_publication.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "document/strict_json.hpp"
#include "inventory/compilation.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"
#include "publish/change_memo.hpp"
#include "publish/departures.hpp"
#include "publish/fixed_settings.hpp"
#include "publish/history.hpp"
#include "publish/needs_memo.hpp"
#include "publish/publication_guards.hpp"
#include "publish/publication_memory.hpp"
#include "publish/publication_number.hpp"
#include "publish/recognition.hpp"
#include "publish/retired_members.hpp"
#include "publish/served_size.hpp"
#include "records/audit.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_signer.hpp"

namespace muster {

namespace {

// Works on one cluster; each step adds to the publication or to the transaction.
class Preparation {
 public:
  Preparation(const PublishContext& context, const ClusterInput& input, Transaction& transaction)
      : context_(context),
        input_(input),
        transaction_(transaction),
        name_(input.found.record.name),
        memory_(context.memory->of(name_)),
        alone_(memory_->mutex) {
    publication_.cluster = name_;
    publication_.number = input.found.record.revision_number;
    publication_.content = content_of(input.found.record);
  }

  Published<ClusterPublication> prepare() {
    const auto next = next_publication(context_, input_.found.record, input_.content == 0);
    if (!next) return tl::unexpected(refused(next.error()));
    number_ = next->number;
    publication_.notes = notes_of(next->taken, name_, number_);
    const Cluster& cluster = input_.inventory->clusters.at(name_);
    if (auto fixed = check_fixed_settings(context_.store, input_.found.record, cluster); !fixed)
      return tl::unexpected(refused(fixed.error()));
    auto compilation =
        Compilation::prepare(*input_.inventory, name_, input_.facts, memory_->configs);
    if (!compilation) return tl::unexpected(refused(std::move(compilation.error())));
    if (auto ok = check_available(*compilation); !ok) return tl::unexpected(refused(ok.error()));
    if (auto known = load_old(); !known) return tl::unexpected(refused(known.error()));
    auto signer =
        choose_signer(context_.store, context_.keys, input_.signatures, name_, transaction_);
    if (!signer && !input_.dry_run && signer.error().kind != ErrorKind::conflict)
      return tl::unexpected(refused(signer.error()));
    const bool is_resigned =
        signer && input_.found.version != 0 &&
        signer->key_id() != signer_of(input_.found.record, context_.keys.document_key_id());
    is_signed_anew_ = is_resigned || next->is_new_epoch || !next->taken.machines.empty();
    publication_.warnings = input_.inventory->warnings;
    publication_.upgrades = compilation->upgrades();
    publication_.releases = compilation->releases();
    if (auto taken = take_machines(*compilation, signer ? &*signer : nullptr); !taken)
      return tl::unexpected(std::move(taken.error()));
    if (auto free = check_addresses(); !free) return tl::unexpected(refused(free.error()));
    if (auto removed = check_removed(); !removed) return tl::unexpected(refused(removed.error()));
    const std::string peers = compilation->peers_text();
    const std::string peer_list = peer_list_text(input_.facts.site, name_, 0, peers);
    const std::string whose = fmt::format("cluster '{}'", name_);
    if (auto large = find_too_large({"peer list", whose, cluster.name.place, peer_list}))
      return tl::unexpected(refused({std::move(*large)}));
    peers_content_ = sha256_digest(peer_list);
    publication_.revision = revision_digest();
    if (input_.dry_run) return std::move(publication_);
    // What got its cluster into quarantine is written anew, though nothing else changes.
    const bool is_current = publication_.revision == input_.found.record.revision &&
                            input_.found.record.kept == kept_ &&
                            context_.quarantine.check_free(name_).has_value();
    // Nothing to sign, so nothing is wrong with a server that may not.
    if (is_current && !is_signed_anew_ && (signer || input_.signatures == nullptr))
      return std::move(publication_);
    if (!signer) return tl::unexpected(refused(signer.error()));
    if (auto written = write(*compilation, peers, cluster, *signer); !written)
      return tl::unexpected(refused(written.error()));
    return std::move(publication_);
  }

 private:
  static constexpr auto unchanged = MachineChange::Kind::unchanged;
  static constexpr std::size_t longest_content = 128;  // bytes, of a node's name with its digest

  MachineChange& add_change(const std::string& node, MachineChange::Kind kind) {
    return publication_.changes.emplace_back(MachineChange{name_, node, kind, {}, {}, {}, {}});
  }

  // What is served now: in memory, or where that is of another revision, in the store.
  Result<void> load_old() {
    if (input_.found.version == 0) {
      old_ = std::make_shared<const ServedCluster>();
      return {};
    }
    const ClusterRecord& record = input_.found.record;
    old_ = context_.current.cluster(name_);
    // What is served of a cluster in quarantine may be older than what is stored.
    const bool is_sound = context_.quarantine.check_free(name_).has_value();
    if (is_sound && old_ && old_->revision_number == record.revision_number &&
        old_->revision == record.revision)
      return {};
    auto read = read_served_cluster(context_.store, record);
    if (!read) return pass(read.error());
    old_ = std::move(*read);
    return {};
  }

  // Compares every machine, and signs what is new at once: what is refused later is not written.
  Published<void> take_machines(Compilation& compilation, const ClusterSigner* signer) {
    const std::vector<MachineInput>& machines = compilation.machines();
    std::vector<InventoryProblem> problems;
    contents_.reserve(machines.size() * longest_content);
    ++memory_->looks;
    for (const MachineInput& machine : machines) {
      const std::string& node = machine.source.name();
      ClusterMemory::Content& content = memory_->contents[node];
      auto taken = take(compilation, machine, content, signer);
      content.seen = memory_->looks;
      if (taken || keeps_served(node, taken.error())) continue;
      if (taken.error().problems.empty()) return taken;
      problems.insert(problems.end(), taken.error().problems.begin(), taken.error().problems.end());
    }
    if (!problems.empty()) return tl::unexpected(refused(distinct(std::move(problems))));
    gone_ = find_gone(machines);
    for (const auto& node : gone_)
      add_change(node, MachineChange::Kind::removed).effects = {effect_of_removal(node)};
    return {};
  }

  // Who is served, and not compiled any more. The last look knew nearly all that are served.
  std::vector<std::string> find_gone(const std::vector<MachineInput>& machines) {
    std::vector<std::string> gone = memory_->forget_unseen();
    std::erase_if(gone, [&](const auto& node) { return !old_->documents.contains(node); });
    const bool is_all = served_ + gone.size() == old_->documents.size();
    return is_all ? gone : machines_gone(*old_, machines);
  }

  // Of what an earlier program published, rules of this one may refuse one machine's document: it
  // keeps what it is served, and the others go on.
  bool keeps_served(const std::string& node, const PublishRefusal& refusal) {
    const auto old = old_->documents.find(node);
    const bool is_republished = input_.content != 0;
    if (!is_republished || old == nullptr || refusal.problems.empty()) return false;
    constexpr std::size_t longest_reason = 400;  // bytes
    kept_[node] = to_text(refusal.problems.front()).substr(0, longest_reason);
    note(node, old->content, unchanged);
    ++served_;
    return true;
  }

  Published<void> take(Compilation& compilation, const MachineInput& machine,
                       ClusterMemory::Content& content, const ClusterSigner* signer) {
    const std::string& node = machine.source.name();
    std::optional<MachineDocument> made;
    if (content.inputs != machine.inputs) {
      content = {};
      auto document = compilation.make(machine);
      if (!document) return tl::unexpected(refused(std::move(document.error())));
      made = std::move(*document);
      const std::string text = compilation.text_of(machine, *made, 0);
      const std::string owner = fmt::format("machine '{}/{}'", name_, node);
      // Explained once: it is long work, and mostly the same of all of them.
      if (auto large = find_too_large({"document", owner, machine.source.place(), text},
                                      !is_size_explained_)) {
        is_size_explained_ = true;
        return tl::unexpected(refused({std::move(*large)}));
      }
      content = {machine.inputs, sha256_digest(text),
                 needs_.of(*machine.config, made->document, context_.later)};
    }
    const auto old = old_->documents.find(node);
    if (old != nullptr) ++served_;
    const bool is_same = old != nullptr && old->content == content.content;
    MachineChange* change = note(node, content.content,
                                 old == nullptr ? MachineChange::Kind::added
                                 : is_same      ? unchanged
                                                : MachineChange::Kind::changed);
    if (change != nullptr) change->needs = content.needs;
    // What neither its content nor its signer changes stays as it is.
    if (is_same && !is_signed_anew_) return {};
    if (!made) {
      auto document = compilation.make(machine);
      if (!document) return tl::unexpected(refused(std::move(document.error())));
      made = std::move(*document);
    }
    std::string text = compilation.text_of(machine, *made, number_);
    if (!is_same) moved_.push_back({node, machine.source.address()});
    // Nobody is shown what a publication changes that no operator ordered.
    if (old != nullptr && !is_same && input_.content == 0)
      differences_.describe(*old, made->document, text, *change);
    if (input_.dry_run || signer == nullptr) return {};
    return sign(*signer, node, std::move(text), content);
  }

  Published<void> sign(const ClusterSigner& signer, const std::string& node, std::string text,
                       const ClusterMemory::Content& content) {
    const auto envelope = signer.sign_document(node, std::move(text));
    if (!envelope)
      return tl::unexpected(refused(
          while_doing(envelope.error(), fmt::format("machine '{}/{}'", name_, node)).value()));
    PublishedDocument document = published(*envelope, content.content);
    document.format = content.needs.format;
    transaction_.put(kinds::document, kinds::pair_key(name_, node), to_json(document));
    return {};
  }

  // Releases and secrets, which stay until this is committed.
  Result<void> check_available(const Compilation& compilation) {
    NamedContent named;
    std::set<const SharedConfig*> seen;
    for (const auto& machine : compilation.machines()) {
      if (seen.insert(machine.config.get()).second) named.add(machine.config->config);
    }
    const std::string what = input_.rollback_of == 0
                                 ? std::string("the inventory")
                                 : fmt::format("revision {}", input_.rollback_of);
    return expect_available(context_.store, name_, what, named, transaction_);
  }

  Result<void> check_addresses() {
    return check_not_of_members(context_.store, name_, moved_, transaction_);
  }

  Result<void> check_removed() const {
    if (input_.remove) return {};
    if (gone_.empty()) return {};
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "cluster '{}': this would remove the machines '{}'. Put them back, or repeat with --remove if they are to go.",
            name_, fmt::join(gone_, "', '")));
  }

  // A machine that is taken. Those that stay as they are, nobody asks for where no operator ordered
  // it: nullptr.
  MachineChange* note(const std::string& node, const std::string& content,
                      MachineChange::Kind kind) {
    if (!contents_.empty()) contents_ += ',';
    append_json_string(contents_, node);
    append_json_string(contents_ += ':', content);
    return kind == unchanged && input_.content != 0 ? nullptr : &add_change(node, kind);
  }

  // Of the canonical text of all of it, put together by hand.
  [[nodiscard]] std::string revision_digest() const {
    // What machines are recognised by, which documents do not hold in full.
    if (memory_->recognised.lock() != input_.inventory) {
      memory_->recognition = json_string(recognition_of(*input_.inventory, name_));
      memory_->recognised = input_.inventory;
    }
    std::string text = "{\"cluster\":" + json_string(name_) + ",\"documents\":{";
    text.reserve(text.size() + contents_.size() + memory_->recognition.size() + longest_content);
    text.append(contents_).append("},\"matches\":").append(memory_->recognition);
    append_json_string(text += ",\"peers\":", peers_content_);
    return sha256_digest(text += '}');
  }

  PublishedDocument published(const Envelope& envelope, std::string content) const {
    return {std::move(content), digest(envelope), to_json(envelope), number_};
  }

  Result<void> write(const Compilation& compilation, const std::string& peers,
                     const Cluster& cluster, const ClusterSigner& signer) {
    if (auto written = write_peers(peers, signer); !written) return written;
    auto removed = remove_machines(context_.store, name_, gone_, unix_seconds(latest_now(context_)),
                                   transaction_);
    if (!removed) return removed;
    if (auto written = write_records(compilation, cluster, signer); !written) return written;
    publication_.is_changed = true;
    publication_.number = number_;
    publication_.content = input_.content == 0 ? number_ : input_.content;
    return {};
  }

  Result<void> write_peers(const std::string& peers, const ClusterSigner& signer) {
    if (old_->peers && old_->peers->content == peers_content_ && !is_signed_anew_) return {};
    const auto envelope =
        signer.sign_peers(peer_list_text(input_.facts.site, name_, number_, peers));
    if (!envelope) return while_doing(envelope.error(), fmt::format("peer list of '{}'", name_));
    transaction_.put(kinds::peers, name_, to_json(published(*envelope, peers_content_)));
    return {};
  }

  Result<void> write_records(const Compilation& compilation, const Cluster& cluster,
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
    compilation.add_pod_cidrs(record.pod_cidrs.change());
    note_departures(publication_.changes, *old_, unix_seconds(latest_now(context_)),
                    unix_seconds(earliest_now(context_)), record.departed);
    record.kept = kept_;
    record.banned_machines = input_.facts.banned_machines;
    const bool has_files = input_.content == 0;
    // Of a publication beside a revision, the files are that one's.
    if (has_files || record.inventory.empty())
      record.inventory = inventory_digest(input_.files, input_.instance_masters);
    record.releases.clear();
    for (const auto& release : compilation.releases())
      record.releases[release.name] = release.version;
    Revision revision{name_,
                      number_,
                      publication_.revision,
                      seconds,
                      input_.actor,
                      input_.rollback_of,
                      compilation.machines().size(),
                      {},
                      {},
                      input_.instance_masters,
                      input_.content,
                      input_.cause};
    if (has_files) {
      revision.files = input_.files;
      revision.facts = input_.facts;
    }
    if (auto kept =
            keep_in_history(context_.store, revision, publication_.number, record, transaction_);
        !kept)
      return kept;
    std::string text = to_json(record);
    if (has_files) {
      context_.memory->remember(name_, record.inventory, input_.inventory);
      publication_.written =
          std::make_shared<const ReadRevision>(ReadRevision{std::move(revision), input_.inventory});
    }
    context_.memory->remember(text, std::move(record));
    transaction_.expect(kinds::cluster, name_, input_.found.version)
        .put(kinds::cluster, name_, std::move(text));
    if (input_.found.version == 0) tell_first_publication(transaction_);
    const std::string summary = fmt::format("revision {} {}: {}", number_, publication_.revision,
                                            counts_text(publication_.changes));
    append_audit(transaction_, now, input_.actor, input_.action, name_,
                 summary + (signer.is_away() ? ", signed by " + signer.key_id() : ""));
    publication_.told = fmt::format("{}: {} {}: {}{}{}", input_.actor, input_.action, name_,
                                    summary, input_.cause.empty() ? "" : ", for ", input_.cause);
    return {};
  }

  const PublishContext& context_;
  const ClusterInput& input_;
  Transaction& transaction_;
  const std::string name_;
  const std::shared_ptr<ClusterMemory> memory_;
  const std::lock_guard<std::mutex> alone_;
  std::uint64_t number_ = 0;
  // All of it: by another key than before, in a new epoch, or above what machines took elsewhere.
  bool is_signed_anew_ = false;
  ClusterPublication publication_;
  std::shared_ptr<const ServedCluster> old_;
  // Canonical: node -> digest of its document without generation, by node; the braces left out.
  std::string contents_;
  std::size_t served_ = 0;  // of the machines that are taken, those that are served so far
  std::map<std::string, std::string> kept_;  // node -> why it keeps what it is served
  std::string peers_content_;
  std::vector<MachineAddress> moved_;  // of what changed
  std::vector<std::string> gone_;      // served so far, and not any more
  ChangeMemo differences_;
  NeedsMemo needs_;
  bool is_size_explained_ = false;
};

}  // namespace

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
