// What the agent must remember across reboots: one small struct, one file, replaced atomically.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/host/host.hpp"
#include "agent/node/node_marks.hpp"
#include "agent/node/node_object.hpp"
#include "agent/node/restart_loop.hpp"
#include "document/report.hpp"
#include "machine/facts.hpp"
#include "machine/unit_change.hpp"
#include "result/result.hpp"

namespace muster {

// Proof that a release was verified by digest: as long as the file's status is the same, so are its
// bytes.
struct ReleaseStamp {
  std::string manifest_digest;
  std::map<std::string, std::string> files;     // relative path -> "size:mtime:inode"
  std::map<std::string, std::string> packages;  // installed from its .debs: name -> version
};

// A document that failed on this machine by its own doing, as it was told then. It ends with
// another document, or with an operator's order to try again.
struct Refusal {
  RefusedDocument document;
  std::string failure_class;
  FailureDetail detail;
};

// A document or peer list that was taken.
struct Taken {
  std::uint64_t generation = 0;
  std::string digest;  // empty: none
};

// A unit's process, and what it was started with (changed_start.hpp).
struct UnitStart {
  std::string process;                        // which one: "PID START"
  std::map<std::string, std::string> inputs;  // path -> what lay there; empty: not known
};

// Of the agent's own state: what was damaged or missing, and when that was seen.
struct DamagedState {
  std::string why;
  std::int64_t at = 0;  // Unix seconds
};

struct Checkpoint {
  std::uint64_t trust_version = 0;
  std::uint64_t document_generation = 0;
  std::uint64_t peers_generation = 0;
  // With their content. An agent before 0.3 moves the generations alone: these may be behind.
  Taken document_taken, peers_taken;
  // Put together anew from the files that its digests name (adoption.hpp), and none of these was
  // verified since: it vouches for nothing.
  bool is_unverified = false;
  std::string node, cluster;         // as enrolled; generations belong to them
  std::uint64_t report_counter = 0;  // for an agent before 0.3 alone, which may be back
  std::int64_t last_contact = 0;     // Unix seconds, by the server's clock; at most an hour old
  std::string settled_boot;          // boot id of the last boot that converged
  // Digests of the document under which the machine was last found wholly in effect (its envelope:
  // settled_document.hpp), and of the desired state that was made of it.
  std::string settled_document, settled_state;
  std::optional<Refusal> refused;
  // Digest of the newest document, where it was not to blame in the end: the settled one failed in
  // the same way. It is not refused again, until an operator orders it.
  std::string withdrawn;
  std::string last_verdict, last_message;
  bool etcd_started = false;  // this machine's member is a voter and has data
  EtcdStart etcd_start;       // what it was first started with
  std::string etcd_cluster_id, etcd_member_id;
  NodeRestarts node_restarts;
  std::string etcd_address;     // where the members know this one; empty: not looked at yet
  std::string kubelet_started;  // when it was last started anew (KubeletStart::at); may be empty
  std::map<std::string, UnitInputs> units;            // what each was last started with
  std::map<std::string, ReleaseStamp> releases;       // "NAME/VERSION"
  std::map<std::string, std::uint64_t> secrets;       // path -> version written
  std::map<std::string, std::string> secret_digests;  // path -> secret_digest.hpp, of that version
  // Archives imported into containerd -> the manifests that it has of each; none: not known.
  std::map<std::string, std::set<std::string>> images;
  Restarts restarts;                        // of what was looked at last
  std::map<std::string, UnitStart> starts;  // unit -> of its process that was looked at last
  // File of kubelet's managers -> what it depends on, as kubelet was last started
  // (kubelet_state.hpp)
  std::map<std::string, std::string> manager_inputs;
  // For `reset` and for files that a later document no longer names.
  std::set<std::string> files;      // written by us
  std::set<std::string> created;    // topmost folders and links that were not there before us
  std::set<std::string> originals;  // paths whose first content lies under paths::originals
  std::set<std::string> packages;   // Debian packages that were not installed before us
  // Debian packages that we or our image put there -> the version last put; empty: being put.
  std::map<std::string, std::string> package_versions;
  // Path -> what was wrong with it, as long as that is told (own_state.hpp).
  std::map<std::string, DamagedState> damaged;
  NodeMarks node_marks;  // what a person set on this machine's Node
  // Of a newer agent, which may be back soon: JSON pointer -> value. Written again as they are, for
  // as long as what they belong to is there.
  std::map<std::string, std::string> newer_fields;
};

// A missing file is an empty checkpoint, which knows the stamps that the machine's image brought
// (paths::carried_releases: made when the image was, of verified bytes; whoever could change them
// could change the agent beside them). A corrupt one is an error (kind corrupt) with its cure,
// since forgetting the generations would let an older document in.
[[nodiscard]] Checkpoint fresh_checkpoint(const Filesystem& files);
[[nodiscard]] Result<Checkpoint> load_checkpoint(const Filesystem& files);
// Durable on return; a no-op when the file already says so.
[[nodiscard]] Result<void> save(const Checkpoint& checkpoint, Filesystem& files);

}  // namespace muster
