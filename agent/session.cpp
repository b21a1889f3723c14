#include "agent/session.hpp"

#include <algorithm>

#include "agent/kept_copy.hpp"
#include "agent/paths.hpp"
#include "agent/sources/metadata_service.hpp"
#include "agent/tombstone.hpp"
#include "agent/trust.hpp"
#include "agent/waiting.hpp"

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

// Repeats `call` while the server is silent, with a growing pause, until `patience` is over.
template <class Call>
auto persist(Run& run, std::chrono::milliseconds patience, Call call) -> decltype(call()) {
  const Deadline end(run.host.clock, std::min(patience, run.deadline.left()));
  std::chrono::milliseconds pause(100);
  for (;;) {
    auto answer = call();
    if (answer || !is_silence(answer.error().error) || end.has_passed()) return answer;
    run.reporter.note(answer.error().error.message);
    run.host.clock.sleep(std::min(pause, end.left()));
    pause = std::min(pause * 2, std::chrono::milliseconds(5000));
  }
}

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

// A machine that was let in once and has lost its key goes on with what it has, and asks once in
// each run to be let in anew: what it is told, with the order that lets it.
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

// Half a life is left: a failure here is tried again at the next converge.
void renew(Run& run, Session& session) {
  auto key = PrivateKey::generate_p256();
  if (!key) return;
  auto answer = session.server->renew_identity(*key);
  if (!answer) return run.reporter.note("identity not renewed: " + answer.error().message);
  const auto issued = Certificate::from_pem(answer->certificate_pem);
  if (issued && issued->not_before() > run.host.clock.now())
    return run.reporter.note("identity not renewed: by this machine's clock it is not valid yet");
  auto identity = admitted(run, *key, *answer);
  if (!identity)
    return run.reporter.note("identity not renewed: " + identity.error().error.message);
  session.identity = *identity;
  session.server = run.network.connect(session.trust.servers.node,
                                       tls_of(*session.identity, session.trust.server_authorities));
}

ConvergeResult<> connect(Run& run, Session& session, bool has_cache) {
  const auto patience =
      has_cache ? std::chrono::milliseconds(patience_with_cache) : run.deadline.left();
  const auto open = [&] {
    session.server = run.network.connect(
        session.trust.servers.node, tls_of(*session.identity, session.trust.server_authorities));
  };
  const auto refresh = [&] {
    session.unwell.clear();
    return refresh_trust(run, *session.server, session.trust, session.unwell);
  };
  open();
  auto trust = persist(run, patience, refresh);
  if (!trust && trust.error().error.kind == ErrorKind::unauthenticated) {
    // The server's CA may be newer than the cached list, or the machine's clock wrong: ask by pin.
    auto contact = first_contact(run);
    if (!contact) {
      if (contact.error().kind != FailureClass::network) return pass_failure(contact.error());
      return pass_failure(trust.error());
    }
    session.trust = *contact;
    open();
    trust = persist(run, patience, refresh);
  }
  if (!trust) return pass_failure(trust.error());
  if (trust->version != session.trust.version) {
    session.trust = *trust;
    open();
  }
  return {};
}

bool has_cached_document(const Filesystem& files) {
  return files.status(paths::document_cache) || files.status(copy_of(paths::document_cache));
}

bool has_started(const Run& run, const Facts& facts) {
  return run.checkpoint.settled_boot == facts.boot_id;
}

// The site itself, authenticated, will have none of this machine: before anything of it runs, that
// is its word. What runs already goes on: the ban is kept at the API servers.
bool is_refused_at_boot(const Run& run, const Facts& facts, const Failure& failure) {
  return failure.error.kind == ErrorKind::forbidden && !has_started(run, facts);
}

ConvergeResult<TrustList> known_trust(Run& run) {
  if (auto cached = cached_trust(run)) return std::move(*cached);
  run.reporter.begin("trust", "first contact");
  return persist(run, run.deadline.left(), [&] { return first_contact(run); });
}

// Enrolled, whether again or for the first time; or, with `session.lost`, without an identity.
ConvergeResult<> take_identity(Run& run, const Facts& facts, bool has_cache, Session& session) {
  const auto loaded = load_identity(run.host.files);
  const bool was_let_in = !run.checkpoint.node.empty();
  std::string lost;
  if (!loaded) lost = loaded.error().message;
  if (loaded && !*loaded && was_let_in) lost = std::string(paths::identity) + ": not there";
  if (loaded) session.identity = *loaded;
  if (session.identity) return {};
  const bool goes_on = !lost.empty() && was_let_in && has_cache;
  auto enrolled =
      goes_on ? enrol_anew(run, session.trust, facts, lost) : enrol(run, session.trust, facts);
  if (enrolled) {
    session.identity = *enrolled;
  } else if (goes_on) {
    session.lost = enrolled.error().error.message;
    session.away = enrolled.error();
  } else {
    return pass_failure(enrolled.error());
  }
  return {};
}

// By an identity that is valid, renewed where it is half-way.
ConvergeResult<> reach_server(Run& run, Session& session, bool has_cache) {
  if (session.identity->certificate.not_after() <= run.host.clock.now()) {
    // Or the clock is wrong: first contact, which looks at no dates, tells.
    auto contact = first_contact(run);
    if (!contact) return pass_failure(contact.error());
    session.trust = *contact;
    auto recovered = recover(run, session.trust, *session.identity);
    if (!recovered) return pass_failure(recovered.error());
    session.identity = *recovered;
  }
  if (auto connected = connect(run, session, has_cache); !connected) return connected;
  if (is_due_for_renewal(session.identity->certificate, run.host.clock.now())) renew(run, session);
  return {};
}

// In a boot the clock may be about to be set (a tower without a battery, by NTP).
ConvergeResult<> reach_in_time(Run& run, const Facts& facts, Session& session, bool has_cache) {
  const bool may_be_set = has_cache && !has_started(run, facts);
  const Deadline end(run.host.clock, may_be_set ? clock_patience : std::chrono::seconds(0));
  for (;;) {
    auto reached = reach_server(run, session, has_cache);
    const bool is_clock = !reached && reached.error().kind == FailureClass::clock;
    if (!is_clock || end.has_passed()) return reached;
    run.reporter.note(reached.error().error.message);
    run.host.clock.sleep(std::min<std::chrono::milliseconds>(std::chrono::seconds(1), end.left()));
  }
}

}  // namespace

bool is_silence(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
}

ConvergeResult<Session> open_session(Run& run, const Facts& facts) {
  const bool has_cache = has_cached_document(run.host.files);
  auto trust = known_trust(run);
  if (!trust) return pass_failure(trust.error());
  run.checkpoint.trust_version = std::max(run.checkpoint.trust_version, trust->version);
  Session session;
  session.trust = std::move(*trust);
  session.node = run.checkpoint.node;
  session.cluster = run.checkpoint.cluster;
  if (auto taken = take_identity(run, facts, has_cache, session); !taken)
    return pass_failure(taken.error());
  if (!session.identity) return session;
  session.node = session.identity->node();
  session.cluster = session.identity->cluster();
  auto reached = reach_in_time(run, facts, session, has_cache);
  if (reached) return session;
  // The end of its cluster is no failure to go on from.
  const bool has_ended = run.host.files.status(paths::tombstone).has_value();
  if (!has_cache || has_ended || is_refused_at_boot(run, facts, reached.error()))
    return pass_failure(reached.error());
  session.server.reset();
  session.away = reached.error();
  return session;
}

std::unique_ptr<Server> connect_as_known(Run& run, bool check_dates) {
  const auto trust = cached_trust(run);
  const auto identity = load_identity(run.host.files);
  if (!trust || !identity || !*identity) return nullptr;
  auto tls = tls_of(**identity, trust->server_authorities);
  tls.check_dates = check_dates;
  return run.network.connect(trust->servers.node, tls);
}

std::unique_ptr<Server> connect_without_dates(Run& run) {
  return connect_as_known(run, false);
}

}  // namespace muster
