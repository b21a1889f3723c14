// The way to the metadata server: trust, the machine's identity, an mTLS connection. In order:
// cached trust or first contact, enrol or recover, connect, renew at half life.
#pragma once

#include <memory>

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "agent/session/identity.hpp"
#include "document/trust_list.hpp"

namespace muster {

struct Session {
  TrustList trust;
  // No list is left, and the server gave none: nothing is taken from it, and what was verified
  // before is known by its digest.
  bool is_trust_lost = false;
  std::optional<Identity> identity;  // nothing: it is lost, and there is no server
  std::unique_ptr<Server> server;    // nullptr: the server is away, `away` says why
  std::optional<Failure> away;
  std::string lost;                   // why there is no identity, and what gives another
  std::string node, cluster;          // whose identity it is, or was
  std::vector<HealthProblem> unwell;  // what is wrong with the session, and ends nothing
};

// How long a machine with a cached document waits for a silent server before it goes on without.
inline constexpr std::chrono::seconds patience_with_cache{3};
// And, in a boot, for its own clock to be set.
inline constexpr std::chrono::seconds clock_patience{20};

// A machine on which a document has settled goes on by the cached one, whatever keeps the session
// from opening (a server that is silent, is another's, has forgotten the machine, or whose clock
// differs), and tells it as unwell. But one that the site itself refuses (banned, its name given to
// another key) starts nothing in a new boot. Errors: identity: not admitted (the message has the
// cure); network: no server and nothing cached; clock: likewise.
[[nodiscard]] ConvergeResult<Session> open_session(Run& run, const Facts& facts);

// The server by the identity and the trust list that are there; writes nothing. nullptr: not
// enrolled yet.
[[nodiscard]] std::unique_ptr<Server> connect_as_known(Run& run, bool check_dates);
// Whatever dates they have by this machine's clock: somebody must hear that it is wrong.
[[nodiscard]] std::unique_ptr<Server> connect_without_dates(Run& run);

}  // namespace muster
