// A master m1 of the cluster lab that asks for its document and its peers, without the rest of a
// converge.
#pragma once

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "agent/session/fetch.hpp"
#include "agent/session/kept_copy.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_site.hpp"

namespace muster {

struct FetchingMachine {
  // What one fetch came to.
  struct Seen {
    std::string error;                      // "document/timeout: ..."; empty: it went well
    std::uint64_t document = 0, peers = 0;  // generations
    bool offline = false;
    std::string refused, unsaved, peers_refused;
    std::optional<Contradiction> contradiction;
  };

  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  TrustList trust = site.trust_list();
  NodeDocument document = example_document();
  PeerList peers = example_peers();
  std::vector<std::string> notes, etags;
  Memory memory;
  bool is_same_agent = false;  // from one fetch to the next

  FetchingMachine() {
    site.node = "m1";
    const PrivateKey key = must(key_for_enrolment(machine.files));
    must(keep_identity(machine.files, key, must(site.identity(key.public_key())).pem()));
    document.site = peers.site = site.pin();
    for (auto& [name, list] : document.role.cluster.authorities) {
      list = {site.cluster_ca.certificate().pem()};
    }
    site.odd_answer = [this](const Envelope&, std::string_view etag) {
      etags.emplace_back(etag);
      return std::nullopt;
    };
    serve(5);
  }

  void serve(std::uint64_t generation) {
    document.generation = peers.generation = generation;
    site.serve(document);
    site.serve(peers);
  }

  // In the cache, and in its copy.
  void put_cached(const char* path, const std::string& text) {
    machine.files.put(path, text);
    machine.files.put(copy_of(path), text);
  }

  [[nodiscard]] Checkpoint remembered() const { return must(load_checkpoint(machine.files)); }

  Seen fetch_now(bool online = true) {
    Checkpoint checkpoint = remembered();
    if (!is_same_agent) memory = Memory();
    Reporter reporter(machine.host, checkpoint, memory,
                      [this](std::string_view line) { notes.emplace_back(line); });
    Run run{machine.host, network,  settings,
            checkpoint,   reporter, Deadline(machine.clock, std::chrono::minutes(10)),
            false,        false,    memory};
    Session session;
    session.trust = trust;
    session.identity = must(load_identity(machine.files));
    session.node = "m1";
    session.cluster = "lab";
    if (online) session.server = network.connect({}, {});
    notes.clear();
    etags.clear();
    const auto fetched = fetch(run, session);
    Seen seen;
    if (!fetched) {
      const auto& failure = fetched.error();
      seen.error = fmt::format("{}/{}: {}", name(failure.kind), name(failure.error.kind),
                               failure.error.message);
      return seen;
    }
    seen.document = fetched->document.generation;
    seen.peers = fetched->peers.generation;
    seen.offline = fetched->offline;
    seen.refused = fetched->refused;
    seen.unsaved = fetched->unsaved;
    seen.peers_refused = fetched->peers_refused;
    seen.contradiction = fetched->contradiction;
    return seen;
  }
};

}  // namespace muster
