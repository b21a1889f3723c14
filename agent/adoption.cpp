#include "agent/adoption.hpp"

#include <algorithm>
#include <sstream>

#include "agent/etcd/etcd_data.hpp"
#include "agent/host/observe.hpp"
#include "agent/node/kubelet_state.hpp"
#include "agent/node/node_object.hpp"
#include "agent/paths.hpp"
#include "agent/session/identity.hpp"
#include "agent/state/checkpoint_json.hpp"
#include "agent/state/settled_document.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "document/signed_document.hpp"
#include "document/trust_list.hpp"

namespace muster {
namespace {

// A process' start is known to 10 ms.
constexpr std::chrono::milliseconds start_slack{100};

std::optional<Envelope> envelope_in(const Filesystem& files, const std::string& path) {
  const auto text = files.read(path, maximum_envelope_size);
  if (!text) return std::nullopt;
  auto envelope = parse_envelope(*text);
  if (!envelope) return std::nullopt;
  return std::move(*envelope);
}

void take_identity(const Filesystem& files, Checkpoint& checkpoint) {
  const auto identity = load_identity(files);
  if (!identity || !*identity) return;
  checkpoint.node = (*identity)->node();
  checkpoint.cluster = (*identity)->cluster();
}

// Of this machine; an identity that is lost as well leaves the cached document to say which that
// is.
std::optional<NodeDocument> own_document(const std::optional<Envelope>& envelope,
                                         const Checkpoint& checkpoint) {
  if (!envelope) return std::nullopt;
  auto document = parse_node_document(envelope->payload);
  if (!document) return std::nullopt;
  const auto& role = document->role;
  const bool is_ours = checkpoint.node.empty() ||
                       (role.node == checkpoint.node && role.cluster.name == checkpoint.cluster);
  if (!is_ours) return std::nullopt;
  return std::move(*document);
}

// Its signature is looked at before it is used (Checkpoint::is_unverified).
std::optional<NodeDocument> take_document(const Filesystem& files, Checkpoint& checkpoint) {
  const auto envelope = envelope_in(files, paths::document_cache);
  auto document = own_document(envelope, checkpoint);
  if (!document) return std::nullopt;
  checkpoint.node = document->role.node;
  checkpoint.cluster = document->role.cluster.name;
  checkpoint.document_generation = document->generation;
  checkpoint.document_taken = {document->generation, digest(*envelope)};
  // It was taken from the server, which was heard of then or later.
  const auto status = files.status(paths::document_cache);
  if (status) checkpoint.last_contact = status->modified_ns / 1'000'000'000;
  return document;
}

void take_peers(const Filesystem& files, Checkpoint& checkpoint) {
  const auto envelope = envelope_in(files, paths::peers_cache);
  const auto peers = envelope ? parse_peer_list(envelope->payload) : Result<PeerList>(PeerList{});
  if (!envelope || !peers || peers->cluster != checkpoint.cluster) return;
  checkpoint.peers_generation = peers->generation;
  checkpoint.peers_taken = {peers->generation, digest(*envelope)};
}

// One, or two where the power went between the newer one and the end of the one before.
void take_settled(const Filesystem& files, Checkpoint& checkpoint) {
  std::uint64_t newest = 0;
  const auto names = files.list(paths::settled);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const auto envelope = envelope_in(files, std::string(paths::settled) + "/" + (*names)[i]);
    const auto document = own_document(envelope, checkpoint);
    if (!document || (newest != 0 && document->generation < newest)) continue;
    newest = document->generation;
    checkpoint.settled_document = digest(*envelope);
  }
  if (newest > checkpoint.document_generation) checkpoint.document_generation = newest;
}

// What etcd was first started with, as it lies in its environment file.
void take_etcd_start(const Filesystem& files, Checkpoint& checkpoint) {
  const auto text = files.read(paths::arguments_of("etcd-start"), 64u << 10);
  if (!text) return;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals), value = line.substr(equals + 1);
    if (name == "ETCD_INITIAL_CLUSTER_STATE") checkpoint.etcd_start.state = value;
    if (name == "ETCD_INITIAL_CLUSTER") checkpoint.etcd_start.initial_cluster = value;
  }
}

// A unit of the components that runs: a boot has put it there, which is over.
bool runs(const Host& host) {
  const auto units = host.services.statuses(
      {"kubelet.service", "containerd.service", "etcd.service", "kube-apiserver.service"});
  return units && std::any_of(units->begin(), units->end(), [](const auto& unit) {
           return is_running(unit.second) || unit.second.active_state == "activating";
         });
}

bool has_any(const std::vector<std::string>& inputs,
             const std::map<std::string, std::string>& reasons) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const auto& input) { return reasons.count(input) > 0; });
}

bool lies_as_desired(const DesiredUnit& unit, const ObservedState& observed) {
  return !has_any(unit.restart_on, observed.files) && !has_any(unit.restart_on, observed.secrets) &&
         !has_any(unit.releases, observed.replaced) && !has_any(unit.tools, observed.replaced);
}

// Of what the unit is started with: Unix nanoseconds.
std::int64_t last_change(const Filesystem& files, const DesiredUnit& unit) {
  std::vector<std::string> paths = unit.restart_on;
  for (const auto* names : {&unit.releases, &unit.tools}) {
    for (const auto& name : *names) paths.push_back(std::string(paths::current) + "/" + name);
  }
  std::int64_t last = 0;
  for (const auto& path : paths) {
    if (const auto status = files.status(path)) last = std::max(last, status->modified_ns);
  }
  return last;
}

// A unit without a process of its own did its work once, and what that came to is looked at anyway.
bool is_younger(const Host& host, const UnitStatus& status, std::int64_t changed) {
  if (status.main_pid == 0) return true;
  const auto age = process_age(host, status.main_pid);
  if (!age) return false;
  const auto at =
      std::chrono::duration_cast<std::chrono::nanoseconds>(host.clock.now().time_since_epoch()) -
      *age + start_slack;
  return at.count() >= changed;
}

}  // namespace

Checkpoint rebuilt_checkpoint(const Host& host) {
  const auto& files = host.files;
  Checkpoint checkpoint = fresh_checkpoint(files);
  take_identity(files, checkpoint);
  const auto document = take_document(files, checkpoint);
  take_peers(files, checkpoint);
  take_settled(files, checkpoint);
  checkpoint.is_unverified = !checkpoint.document_taken.digest.empty() ||
                             !checkpoint.peers_taken.digest.empty() ||
                             !checkpoint.settled_document.empty();
  if (checkpoint.node.empty()) return checkpoint;
  if (runs(host)) checkpoint.settled_boot = observe(files, {}).boot_id;
  if (document && is_control_plane(document->role.role)) {
    take_etcd_start(files, checkpoint);
    take_member(files, document->role.address, checkpoint);
  }
  return checkpoint;
}

bool is_rebuilt(const Checkpoint& checkpoint) {
  return checkpoint.damaged.count(paths::checkpoint) > 0;
}

void adopt(const Host& host, const DesiredState& desired, bool has_settled, ObservedState& observed,
           Checkpoint& checkpoint) {
  for (const auto& secret : desired.secrets) {
    if (!has_settled || checkpoint.secrets.count(secret.path) > 0) continue;
    const auto there = host.files.status(secret.path);
    if (!there || there->type != FileStatus::Type::file) continue;
    checkpoint.secrets[secret.path] = secret.version;
    observed.secrets.erase(secret.path);
    observed.uncompared.insert(secret.path);
    checkpoint.files.insert(secret.path);
  }
  for (const auto& file : desired.files) {
    // A machine may have had its name before us.
    if (file.path == paths::host_name || observed.files.count(file.path) > 0) continue;
    checkpoint.files.insert(file.path);
    if (host.files.status(std::string(paths::originals) + file.path)) {
      checkpoint.originals.insert(file.path);
    }
  }
}

void adopt_units(const Host& host, const DesiredState& desired, const ObservedState& observed,
                 Checkpoint& checkpoint) {
  for (const auto& unit : desired.units) {
    const auto status = observed.units.find(unit.name);
    const bool is_up = status != observed.units.end() && is_running(status->second);
    const auto recorded = checkpoint.units.find(unit.name);
    const bool is_unknown = recorded == checkpoint.units.end()
                                ? is_rebuilt(checkpoint)
                                : recorded->second.configuration.empty();
    if (!is_up || !is_unknown || !lies_as_desired(unit, observed)) continue;
    if (!is_younger(host, status->second, last_change(host.files, unit))) continue;
    checkpoint.units[unit.name] = inputs_of(unit, desired);
    if (unit.name == "kubelet.service") checkpoint.manager_inputs = manager_inputs(host.files);
  }
}

}  // namespace muster
