#include "agent/session/fetch.hpp"

#include <set>
#include <utility>

#include "agent/paths.hpp"
#include "agent/session/held.hpp"
#include "agent/session/kept_copy.hpp"
#include "agent/session/tombstone.hpp"
#include "agent/state/set_aside.hpp"
#include "agent/state/settled_document.hpp"

namespace muster {
namespace {

struct Accepted {
  NodeDocument document;
  Envelope envelope;
};

Result<void> verify_signature(const Envelope& envelope, std::string_view type,
                              const TrustList& trust, std::string_view cluster) {
  if (envelope.payload_type != type) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "document: expected type '{}', found '{}'; an agent of another version is needed to read it",
            type, envelope.payload_type));
  }
  auto key = find_document_key(trust, envelope.key_id, cluster);
  if (!key) return pass(key.error());
  return verify_envelope(envelope, type, *key);
}

struct AcceptedPeers {
  PeerList list;
  Envelope envelope;
};

template <class Accepted>
std::string etag_of(const Result<Accepted>& good) {
  return good ? "\"" + digest(good->envelope) + "\"" : std::string();
}

Result<void> check_known(const Envelope& envelope, const Checkpoint& checkpoint,
                         const std::set<std::string>& known) {
  if (!checkpoint.is_unverified && known.count(digest(envelope)) > 0) return {};
  return fail(
      ErrorKind::forbidden,
      fmt::format(
          "is none that this machine has verified before, and no trust list is left to verify it with; bring the server back, or copy {} from another machine of this site",
          paths::trust_cache));
}

// Without a trust list: what was verified when it came. The checkpoint that names it is root's.
Result<NodeDocument> known_document(const Envelope& envelope, const Session& session,
                                    const Checkpoint& checkpoint) {
  if (auto known = check_known(envelope, checkpoint,
                               {checkpoint.document_taken.digest, checkpoint.settled_document});
      !known) {
    return pass(known.error());
  }
  auto document = parse_node_document(envelope.payload);
  const bool is_ours = document && document->role.node == session.node &&
                       document->role.cluster.name == session.cluster &&
                       document->generation >= checkpoint.document_generation;
  if (document && !is_ours)
    return fail(ErrorKind::conflict, "is of another machine, or older than the one before");
  return document;
}

Result<PeerList> known_peers(const Envelope& envelope, const Session& session,
                             const Checkpoint& checkpoint) {
  if (auto known = check_known(envelope, checkpoint, {checkpoint.peers_taken.digest}); !known) {
    return pass(known.error());
  }
  auto list = parse_peer_list(envelope.payload);
  if (list && (list->cluster != session.cluster || list->generation < checkpoint.peers_generation))
    return fail(ErrorKind::conflict, "is of another cluster, or older than the one before");
  return list;
}

Result<Accepted> cached_document(Run& run, const Session& session) {
  const auto verify = [&](const std::string& text) -> Result<Accepted> {
    auto envelope = parse_envelope(text);
    if (!envelope) return while_doing(envelope.error(), paths::document_cache);
    auto document = session.is_trust_lost
                        ? known_document(*envelope, session, run.checkpoint)
                        : verify_document(*envelope, session.trust, session.node, session.cluster,
                                          run.checkpoint.document_generation);
    if (!document) return while_doing(document.error(), paths::document_cache);
    return Accepted{std::move(*document), std::move(*envelope)};
  };
  auto kept = read_kept(run.host.files, paths::document_cache, verify);
  if (kept) return kept;
  // The settled one may be the one that was taken last.
  const auto text = run.host.files.read(settled_path(run.checkpoint.settled_document));
  auto settled = text ? verify(*text) : pass(text.error());
  return settled ? std::move(settled) : std::move(kept);
}

Result<AcceptedPeers> cached_peers(Run& run, const Session& session) {
  const auto verify = [&](const std::string& text) -> Result<AcceptedPeers> {
    auto envelope = parse_envelope(text);
    if (!envelope) return while_doing(envelope.error(), paths::peers_cache);
    auto list = session.is_trust_lost ? known_peers(*envelope, session, run.checkpoint)
                                      : verify_peers(*envelope, session.trust, session.cluster,
                                                     run.checkpoint.peers_generation);
    if (!list) return while_doing(list.error(), paths::peers_cache);
    return AcceptedPeers{std::move(*list), std::move(*envelope)};
  };
  return read_kept(run.host.files, paths::peers_cache, verify);
}

ConvergeResult<> check_age(const Run& run) {
  const auto limit = run.settings.maximum_cache_age_days;
  const auto now = std::chrono::system_clock::to_time_t(run.host.clock.now());
  const std::int64_t days = (now - run.checkpoint.last_contact) / 86400;
  if (limit == 0 || days <= limit) return {};
  return fail_converge(
      FailureClass::document, ErrorKind::timeout,
      fmt::format(
          "cached document: expected at most {} days since the last contact with the server (cachePolicy.maxAgeDays), found {}; bring the server back",
          limit, days));
}

// Kept first; that the server hears of it is its own affair.
Result<Tombstone> take_tombstone(Run& run, Session& session, const Envelope& envelope) {
  auto tombstone = verify_tombstone(envelope, session.trust, *session.identity);
  if (!tombstone) return tombstone;
  if (auto kept = keep_tombstone(*tombstone, run.host.files); !kept) return pass(kept.error());
  if (auto heard = session.server->forget_me(); !heard) run.reporter.note(heard.error().message);
  return tombstone;
}

Taken as_taken(std::uint64_t generation, const Envelope& envelope) {
  return {generation, digest(envelope)};
}

// Says why what was fetched is refused, too.
template <class Document>
Result<Document> check_history(std::string_view of, const Taken& last, Result<Document> document,
                               const Envelope& envelope, Fetched& result) {
  if (!document) return document;
  auto found = contradiction_of(of, last, as_taken(document->generation, envelope));
  if (!found) return document;
  result.contradiction = std::move(found);
  return fail(ErrorKind::conflict, to_text(*result.contradiction));
}

ConvergeResult<Accepted> fetch_document(Run& run, Session& session, Fetched& result) {
  std::string& refused = result.refused;
  auto good = cached_document(run, session);
  auto fetched = session.server->document(etag_of(good));
  if (!fetched) {
    if (fetched.error().code == sealed_code) show_held(run, *session.server);
    if (!good) {
      return fail_converge(FailureClass::document, fetched.error());
    }
    refused = fetched.error().message;
    return *good;
  }
  if (!*fetched) {
    if (good) {
      run.checkpoint.document_taken = as_taken(good->document.generation, good->envelope);
      return *good;
    }
    return fail_converge(FailureClass::document, ErrorKind::internal,
                         "document: the server answered 304 to a request without an ETag");
  }
  const Envelope& envelope = (*fetched)->envelope;
  if (envelope.payload_type == tombstone_type) {
    auto ended = take_tombstone(run, session, envelope);
    if (!ended && !good) return fail_converge(FailureClass::document, ended.error());
    if (ended) return fail_converge(FailureClass::identity, ErrorKind::forbidden, to_text(*ended));
    refused = ended.error().message;
    result.refused_digest = digest(envelope);
    return *good;
  }
  auto document = verify_document(envelope, session.trust, session.node, session.cluster,
                                  run.checkpoint.document_generation);
  document = check_history(
      "document",
      good ? as_taken(good->document.generation, good->envelope) : run.checkpoint.document_taken,
      std::move(document), envelope, result);
  if (!document) {
    if (!good) return fail_converge(FailureClass::document, document.error());
    refused = document.error().message;
    result.refused_digest = digest(envelope);
    return *good;
  }
  if (auto kept = write_kept(run.host.files, paths::document_cache, to_json(envelope)); !kept) {
    if (!good) return fail_converge(FailureClass::disk, kept.error());
    result.unsaved = kept.error().message;
    return *good;
  }
  run.checkpoint.document_generation = document->generation;
  run.checkpoint.document_taken = as_taken(document->generation, envelope);
  return Accepted{*document, envelope};
}

// Never fails: what is wrong with the newest list is told, and the last good one holds. None at all
// is another thing than an empty one: it takes no route and no name away.
PeerList fetch_peers(Run& run, Session& session, Fetched& result) {
  const auto good = cached_peers(run, session);
  const auto hold = [&](const Error& why) {
    result.peers_refused = why.message;
    if (good) return good->list;
    return run.memory.peers.cluster == session.cluster ? run.memory.peers : PeerList{};
  };
  if (!session.server) return good ? good->list : hold(good.error());
  auto fetched = session.server->peers(etag_of(good));
  if (!fetched) return hold(fetched.error());
  if (!*fetched && good) {
    run.checkpoint.peers_taken = as_taken(good->list.generation, good->envelope);
    return good->list;
  }
  if (!*fetched) return hold({ErrorKind::internal, "peers: answered 304 to no ETag"});
  const Envelope& envelope = (*fetched)->envelope;
  auto list =
      verify_peers(envelope, session.trust, session.cluster, run.checkpoint.peers_generation);
  list = check_history(
      "peers", good ? as_taken(good->list.generation, good->envelope) : run.checkpoint.peers_taken,
      std::move(list), envelope, result);
  if (!list) return hold(list.error());
  if (auto kept = write_kept(run.host.files, paths::peers_cache, to_json(envelope)); kept) {
    run.checkpoint.peers_generation = list->generation;
    run.checkpoint.peers_taken = as_taken(list->generation, envelope);
  } else {
    // A full disk keeps no new machine from its routes; but the one before is what a boot will
    // find.
    result.unsaved = kept.error().message;
  }
  return *list;
}

}  // namespace

Result<NodeDocument> verify_document(const Envelope& envelope, const TrustList& trust,
                                     std::string_view node, std::string_view cluster,
                                     std::uint64_t minimum_generation) {
  if (auto verified = verify_signature(envelope, node_document_type, trust, cluster); !verified) {
    return while_doing(verified.error(), "document refused");
  }
  auto document = parse_node_document(envelope.payload);
  if (!document) return while_doing(document.error(), "document refused");
  const auto refuse = [](ErrorKind kind, std::string_view what, std::string_view expected,
                         std::string_view found) {
    return fail(kind, fmt::format("document refused: {}: expected '{}', found '{}'", what, expected,
                                  found));
  };
  if (document->site != trust.site) {
    return refuse(ErrorKind::forbidden, "site", trust.site, document->site);
  }
  if (document->role.cluster.name != cluster) {
    return refuse(ErrorKind::forbidden, "cluster", cluster, document->role.cluster.name);
  }
  if (document->role.node != node) {
    return refuse(ErrorKind::forbidden, "node", node, document->role.node);
  }
  if (document->generation < minimum_generation) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "document refused: generation: expected {} or later, found {}; an older document is never taken, publish the wanted content anew (`muster revision rollback`)",
            minimum_generation, document->generation));
  }
  return document;
}

Result<PeerList> verify_peers(const Envelope& envelope, const TrustList& trust,
                              std::string_view cluster, std::uint64_t minimum_generation) {
  if (auto verified = verify_signature(envelope, peer_list_type, trust, cluster); !verified) {
    return while_doing(verified.error(), "peer list refused");
  }
  auto list = parse_peer_list(envelope.payload);
  if (!list) return while_doing(list.error(), "peer list refused");
  if (list->site != trust.site || list->cluster != cluster) {
    return fail(ErrorKind::forbidden,
                fmt::format("peer list refused: expected cluster '{}' of site {}, found '{}' of {}",
                            cluster, trust.site, list->cluster, list->site));
  }
  if (list->generation < minimum_generation) {
    return fail(ErrorKind::conflict,
                fmt::format("peer list refused: generation: expected {} or later, found {}",
                            minimum_generation, list->generation));
  }
  return list;
}

std::optional<Contradiction> contradiction_of(std::string_view of, const Taken& last,
                                              const Taken& found) {
  const bool is_same =
      last.digest.empty() || last.generation != found.generation || last.digest == found.digest;
  if (is_same) return std::nullopt;
  return Contradiction{std::string(of), found.generation, last.digest, found.digest};
}

std::string to_text(const Contradiction& found) {
  return fmt::format(
      "{} refused: generation {}: expected {}, which this machine took, found {}; the site has two histories: its database was put back, or somebody else signs with its key. If it was put back, publish the wanted content anew (`muster revision rollback`); else revoke that document key",
      found.of, found.generation, found.taken, found.refused);
}

namespace {

// What a checkpoint names that was put together anew: it vouches for what verifies, from then on.
void verify_adopted(Run& run, const Session& session) {
  Checkpoint& checkpoint = run.checkpoint;
  if (!std::exchange(checkpoint.is_unverified, false)) return;
  const auto is_sound = [&](const std::string& path, std::string_view type) {
    const auto text = run.host.files.read(path, maximum_envelope_size);
    const auto envelope = text ? parse_envelope(*text) : pass(text.error());
    return envelope && verify_signature(*envelope, type, session.trust, session.cluster);
  };
  if (!is_sound(settled_path(checkpoint.settled_document), node_document_type))
    checkpoint.settled_document.clear();
  if (!is_sound(paths::document_cache, node_document_type)) checkpoint.document_taken = {};
  if (!is_sound(paths::peers_cache, peer_list_type)) checkpoint.peers_taken = {};
}

// A tombstone that cannot be read stands until the server serves this machine a document.
ConvergeResult<> lay_tombstone_aside(Run& run, const Session& session, const Fetched& fetched) {
  const auto kept = kept_tombstone(run.host.files);
  if (kept) return {};
  if (!session.server || !fetched.refused.empty())
    return fail_converge(FailureClass::identity, kept.error());
  run.reporter.note(kept.error().message);
  run.reporter.note("the server serves this machine: its cluster goes on");
  const auto aside = set_aside(run.host.files, paths::tombstone);
  return aside ? ConvergeResult<>() : fail_converge(FailureClass::disk, aside.error());
}

}  // namespace

ConvergeResult<Fetched> fetch(Run& run, Session& session) {
  Fetched fetched;
  if (!session.is_trust_lost) verify_adopted(run, session);
  if (auto kept = keep_settled_of_cache(run.host.files, run.checkpoint); !kept) {
    fetched.unsaved = kept.error().message;
  }
  const auto take = [&](const Accepted& accepted) {
    fetched.document = accepted.document;
    fetched.envelope = accepted.envelope;
    fetched.digest = digest(accepted.envelope);
  };
  if (session.server) {
    auto accepted = fetch_document(run, session, fetched);
    if (!accepted) return pass_failure(accepted.error());
    take(*accepted);
  } else {
    if (auto young = check_age(run); !young) return pass_failure(young.error());
    auto accepted = cached_document(run, session);
    if (!accepted) return fail_converge(FailureClass::document, accepted.error());
    take(*accepted);
    fetched.offline = true;
  }
  if (auto goes_on = lay_tombstone_aside(run, session, fetched); !goes_on)
    return pass_failure(goes_on.error());
  fetched.peers = run.memory.peers = fetch_peers(run, session, fetched);
  if (auto saved = save(run.checkpoint, run.host.files); !saved) {
    fetched.unsaved = saved.error().message;
  }
  return fetched;
}

}  // namespace muster
