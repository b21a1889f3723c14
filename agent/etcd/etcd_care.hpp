// What is looked at of etcd as a whole in the pause of the duties, and put right: members that are
// no master's, addresses, room in its database.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/etcd/etcd_client.hpp"
#include "agent/host/host.hpp"
#include "document/node_document.hpp"
#include "document/report.hpp"
#include "result/result.hpp"

namespace muster {

enum class EtcdCarer {
  holder,  // of the duties' Lease
  // The Lease could not be had, which may be etcd's own doing (without space it takes no writes):
  // the machine of etcd's leader does it, and any other does nothing.
  leader
};

struct EtcdCare {
  std::vector<std::string> done;  // for people
  std::vector<HealthProblem> unwell;
  // What looked wrong now. A look acts on what did so at the look before too: a follower may have
  // joined since the document was fetched.
  std::set<std::string> suspects;
};

// One look: two calls of etcdctl where all is well. `is_current`: the document was the server's
// newest at this poll; no member is removed by any other. Never fails: what cannot be done is in
// `unwell` with its cure. Blocks for minutes where a database is defragmented (one member a look,
// the leader last; all of them when etcd has no space left).
[[nodiscard]] EtcdCare care_for_etcd(Process& process, const NodeDocument& document,
                                     bool is_current, EtcdCarer carer,
                                     const std::set<std::string>& suspects);

// How a member differs from what the inventory's masters say.
struct MemberFinding {
  enum class Kind {
    left,       // no master's, or another one of a master's name, and it does not answer
    unstarted,  // a learner that never started, of a master or of nobody
    moved,      // answers at a master's address that the others do not know
    unreached,  // of a master, known under another address, and it does not answer at either
  } kind = Kind::left;
  EtcdMember member;
  std::string peer_url;  // moved, unreached: as it should be; unstarted: a master's, or empty
};
// Pure. `answering`: ids of the members that answered.
[[nodiscard]] std::vector<MemberFinding> find_odd_members(
    const std::vector<EtcdMember>& members, const std::vector<MachineAddress>& masters,
    const std::set<std::string>& answering);

// The member whose database is to be defragmented first: much of it is free, and the leader only
// where it is the last one. nullptr: none. Pure.
[[nodiscard]] const EtcdStatus* next_to_defragment(const std::vector<EtcdStatus>& statuses);

}  // namespace muster
