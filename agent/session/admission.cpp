#include "agent/session/admission.hpp"

#include <algorithm>

#include "agent/paths.hpp"
#include "agent/run/persist.hpp"
#include "agent/session/held.hpp"
#include "agent/session/tombstone.hpp"
#include "agent/session/waiting.hpp"
#include "agent/sources/metadata_service.hpp"

namespace muster {
namespace {

// `interfaces` as they are at each attempt: early in a boot, a NIC may not be there yet or not have
// its final address, and the server knows the machine by it.
MachineHints hints_of(const Facts& facts, const std::vector<NetworkInterface>& interfaces) {
  MachineHints hints;
  for (const auto& interface : interfaces) {
    if (!interface.mac.empty()) hints.macs.push_back(interface.mac);
  }
  hints.uuid = facts.uuid;
  hints.serial = facts.serial;
  hints.hostname = facts.hostname;
  hints.machine_id = facts.machine_id;
  hints.boot_id = facts.boot_id;
  return hints;
}

// Until it is time to ask again, or the machine's NICs are others than those that were told.
void await_approval(Run& run, std::chrono::milliseconds poll_after, const MachineHints& asked) {
  const Deadline end(run.host.clock, std::min(poll_after, run.deadline.left()));
  while (!end.has_passed()) {
    run.host.clock.sleep(std::min(std::chrono::milliseconds(500), end.left()));
    if (hints_of({}, run.network.interfaces(run.host.files)).macs != asked.macs) return;
  }
}

// A person may give a waiting machine another token.
std::string settings_stamp(const Run& run) {
  const auto status = run.host.files.status(paths::settings);
  return status ? fmt::format("{} {}", status->inode, status->modified_ns) : std::string();
}

ConvergeResult<Identity> settings_changed() {
  return fail_converge(FailureClass::identity, ErrorKind::conflict,
                       "the settings changed while this machine waited: it asks anew by them");
}

std::string waiting_text(const EnrolAnswer& answer) {
  if (answer.awaits_masters)
    return "waiting for the cluster's masters: it starts when as many are there as it needs";
  if (answer.awaits_backup)
    return "waiting until its cluster's keys are in a backup; on the server: muster backup FILE";
  return fmt::format("waiting for approval; on the server: muster approve NAME --fingerprint {}",
                     answer.fingerprint);
}

// Which instance this is, by its cloud. Asked for where the server wants it: a machine that needs
// none must not wait for a service that has none.
ConvergeResult<std::string> instance_identity(Run& run, const std::string& wanted) {
  const auto origin = find_instance_identity(run.host.files);
  if (!origin) {
    return fail_converge(FailureClass::identity, ErrorKind::forbidden,
                         wanted + "; by its SMBIOS this machine is none of EC2");
  }
  MetadataPatience patience;
  patience.total = std::min(patience.total, run.deadline.left());
  auto document =
      fetch_user_data(*origin, run.host, run.network, patience,
                      [&](std::string_view text) { run.reporter.note(std::string(text)); });
  if (!document) return fail_converge(FailureClass::network, document.error());
  if (document->empty()) {
    return fail_converge(FailureClass::network, ErrorKind::unavailable,
                         name(*origin) + ": expected a signed document, found an empty one");
  }
  return *document;
}

}  // namespace

ConvergeResult<Identity> admitted(Run& run, const PrivateKey& key, const EnrolAnswer& answer) {
  auto identity = keep_identity(run.host.files, key, answer.certificate_pem);
  if (!identity) {
    const bool is_of_disk = is_of_the_disk(identity.error().kind);
    return fail_converge(is_of_disk ? FailureClass::disk : FailureClass::identity,
                         identity.error());
  }
  // Generations belong to a node: a machine that became another one starts to count anew.
  auto& checkpoint = run.checkpoint;
  if (checkpoint.node != identity->node() || checkpoint.cluster != identity->cluster()) {
    checkpoint.node = identity->node();
    checkpoint.cluster = identity->cluster();
    checkpoint.document_generation = 0;
    checkpoint.peers_generation = 0;
    checkpoint.document_taken = checkpoint.peers_taken = {};
  }
  return *identity;
}

ConvergeResult<Identity> enrol(Run& run, const TrustList& trust, const Facts& facts) {
  run.reporter.begin("enrol");
  auto key = key_for_enrolment(run.host.files);
  if (!key) return fail_converge(FailureClass::disk, key.error());
  TlsClientSettings tls;
  for (const auto& pem : trust.server_authorities) tls.authorities_pem += pem + "\n";
  auto urls = trust.servers.enrol.empty() ? run.settings.enrol_servers : trust.servers.enrol;
  auto server = run.network.connect(urls, tls);
  EnrolProofs proofs{run.settings.token, {}};
  Waiting waiting(run);
  const std::string settings_before = settings_stamp(run);
  for (;;) {
    MachineHints asked;
    auto answer = persist(run, run.deadline.left(), [&]() -> ConvergeResult<EnrolAnswer> {
      asked = hints_of(facts, run.network.interfaces(run.host.files));
      auto tried = server->enrol(*key, asked, proofs);
      if (tried) return *tried;
      return fail_converge(
          is_silence(tried.error()) ? FailureClass::network : FailureClass::identity,
          tried.error());
    });
    if (!answer) return pass_failure(answer.error());
    // Also what let it in was asked by settings that a person has replaced since.
    if (settings_stamp(run) != settings_before) return settings_changed();
    if (!answer->proof_missing.empty() && !proofs.instance_identity.empty()) {
      return fail_converge(FailureClass::identity, ErrorKind::forbidden, answer->proof_missing);
    }
    if (!answer->proof_missing.empty()) {
      auto document = instance_identity(run, answer->proof_missing);
      if (!document) return pass_failure(document.error());
      proofs.instance_identity = *document;
      continue;
    }
    if (!answer->pending) return admitted(run, *key, *answer);
    const std::string what_for = waiting_text(*answer);
    waiting.tell(what_for);
    if (run.deadline.has_passed()) {
      return fail_converge(FailureClass::identity, ErrorKind::forbidden, what_for);
    }
    await_approval(run, answer->poll_after, asked);
    if (settings_stamp(run) != settings_before) return settings_changed();
  }
}

ConvergeResult<Identity> enrol_anew(Run& run, const TrustList& trust, const Facts& facts,
                                    const std::string& why) {
  run.reporter.begin("enrol", "the identity is lost");
  auto key = key_for_enrolment(run.host.files);
  if (!key) return fail_converge(FailureClass::disk, key.error());
  TlsClientSettings tls;
  for (const auto& pem : trust.server_authorities) tls.authorities_pem += pem + "\n";
  auto urls = trust.servers.enrol.empty() ? run.settings.enrol_servers : trust.servers.enrol;
  auto answer = run.network.connect(urls, tls)->enrol(
      *key, hints_of(facts, run.network.interfaces(run.host.files)), {run.settings.token, {}});
  if (answer && !answer->pending && answer->proof_missing.empty())
    return admitted(run, *key, *answer);
  const auto& node = run.checkpoint.node;
  std::string said = answer ? answer->proof_missing : answer.error().message;
  if (!said.empty()) said = "; asked to be let in, it was told: " + said;
  return fail_converge(
      FailureClass::identity, ErrorKind::unauthenticated,
      fmt::format(
          "the identity of '{0}' is lost ({1}): this machine goes on with what it has, and nobody hears of it{2}; on the server: `muster node replace {0}`, then `muster approve {0} --fingerprint {3}`, or `muster token create --cluster {4} --node {0}` and that token in {5}",
          node, why, said, key->public_key().fingerprint(), run.checkpoint.cluster,
          paths::settings));
}

ConvergeResult<Identity> recover(Run& run, const TrustList& trust, const Identity& expired) {
  run.reporter.begin("recover", "the identity certificate has expired");
  auto urls = trust.servers.enrol.empty() ? run.settings.enrol_servers : trust.servers.enrol;
  auto server = run.network.connect(urls, tls_of(expired, trust.server_authorities));
  auto answer = server->recover(expired.key);
  if (!answer) {
    if (answer.error().code == sealed_code) show_held(run, *server);
    return fail_converge(
        is_silence(answer.error()) ? FailureClass::network : FailureClass::identity,
        answer.error());
  }
  if (answer->tombstone) {
    const auto tombstone = verify_tombstone(*answer->tombstone, trust, expired);
    if (!tombstone) return fail_converge(FailureClass::identity, tombstone.error());
    if (auto kept = keep_tombstone(*tombstone, run.host.files); !kept)
      return fail_converge(FailureClass::disk, kept.error());
    return fail_converge(FailureClass::identity, ErrorKind::forbidden, to_text(*tombstone));
  }
  return admitted(run, expired.key, *answer);
}

}  // namespace muster
