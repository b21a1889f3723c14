#include "agent/session/session.hpp"

#include <algorithm>

#include "agent/paths.hpp"
#include "agent/run/persist.hpp"
#include "agent/session/admission.hpp"
#include "agent/session/kept_copy.hpp"
#include "agent/session/trust.hpp"

namespace muster {
namespace {

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

ConvergeResult<TrustList> known_trust(Run& run, std::chrono::milliseconds patience) {
  if (auto cached = cached_trust(run)) return std::move(*cached);
  run.reporter.begin("trust", "first contact");
  return persist(run, patience, [&] { return first_contact(run); });
}

std::string trust_lost_text(const Error& why) {
  return fmt::format(
      "no trust list is left, neither {0} nor {1}, and the server gave none: {2}; what this machine has verified before goes on; bring the server back, or copy {0} from another machine of this site",
      paths::trust_cache, copy_of(paths::trust_cache), why.message);
}

// By what was verified before, on a machine that was let in and has settled.
ConvergeResult<Session> open_without_trust(Run& run, const Failure& why) {
  const auto identity = load_identity(run.host.files);
  if (!identity || !*identity || run.host.files.status(paths::tombstone)) return pass_failure(why);
  Session session;
  session.is_trust_lost = true;
  session.identity = *identity;
  session.node = session.identity->node();
  session.cluster = session.identity->cluster();
  session.away = why;
  session.unwell.push_back({"trust", trust_lost_text(why.error), 0});
  return session;
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
  const bool may_be_set =
      has_cache && !run.checkpoint.settled_document.empty() && !has_started(run, facts);
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

ConvergeResult<Session> open_session(Run& run, const Facts& facts) {
  const bool has_cache = has_cached_document(run.host.files);
  const bool goes_on = has_cache && !run.checkpoint.settled_document.empty();
  auto trust = known_trust(
      run, goes_on ? std::chrono::milliseconds(patience_with_cache) : run.deadline.left());
  if (!trust && goes_on) return open_without_trust(run, trust.error());
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
  // Where none has settled yet, the machine waits for a server that is silent no longer, or right.
  const bool has_way =
      !run.checkpoint.settled_document.empty() || is_silence(reached.error().error);
  if (!has_cache || !has_way || has_ended || is_refused_at_boot(run, facts, reached.error()))
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
