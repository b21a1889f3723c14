#include "agent/etcd/etcd_care.hpp"

#include <algorithm>

namespace muster {
namespace {

// What is gained must be worth a member's silence: half a second for each GiB.
constexpr std::uint64_t worth_defragmenting = 100u << 20;
constexpr double worth_fraction = 0.45;
constexpr double nearly_full = 0.8;
constexpr double room_again = 0.9;

std::uint64_t mebibytes(std::uint64_t bytes) {
  return bytes >> 20;
}

double fraction(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

class Care {
 public:
  Care(Process& process, const NodeDocument& document, bool is_current,
       const std::set<std::string>& suspects)
      : process_(process), document_(document), is_current_(is_current), suspects_(suspects) {}

  EtcdCare look(EtcdCarer carer) {
    const auto listed = masters().members();
    if (!listed) {
      tell("etcd", fmt::format("no quorum of its members answers: {}", listed.error().message));
      return std::move(care_);
    }
    members_ = listed->members;
    for (const auto& member : members_) {
      if (!member.client_urls.empty()) endpoints_.push_back(member.client_urls.front());
    }
    const auto statuses = EtcdClient(process_, endpoints_).statuses();
    if (!statuses) {
      tell("etcd", statuses.error().message);
      return std::move(care_);
    }
    statuses_ = *statuses;
    if (carer == EtcdCarer::leader && !is_own_leader()) return {};
    keep_members();
    keep_space();
    return std::move(care_);
  }

 private:
  [[nodiscard]] EtcdClient masters() const {
    std::vector<std::string> urls;
    for (const auto& master : document_.role.cluster.masters) {
      urls.push_back(etcd_client_url(master.address));
    }
    return {process_, urls};
  }

  [[nodiscard]] bool is_own_leader() const {
    const auto own = etcd_client_url(document_.role.address);
    return std::any_of(statuses_.begin(), statuses_.end(), [&own](const EtcdStatus& status) {
      return status.endpoint == own && status.is_leader();
    });
  }

  void tell(std::string subject, std::string message) {
    care_.unwell.push_back({std::move(subject), std::move(message), 0});
  }

  void did(const Result<void>& done, std::string line, const std::string& subject) {
    if (done) {
      care_.done.push_back(std::move(line));
    } else {
      tell(subject, done.error().message);
    }
  }

  void keep_members() {
    std::set<std::string> answering;
    for (const auto& status : statuses_) answering.insert(status.member_id);
    for (const auto& finding :
         find_odd_members(members_, document_.role.cluster.masters, answering)) {
      const std::string key =
          fmt::format("{} {}", static_cast<int>(finding.kind), finding.member.id);
      care_.suspects.insert(key);
      if (suspects_.count(key) > 0) treat(finding);
    }
  }

  void treat(const MemberFinding& finding) {
    const auto& member = finding.member;
    const auto subject =
        fmt::format("etcd member {}", member.name.empty() ? member.id : member.name);
    const bool is_nobodys =
        finding.kind == MemberFinding::Kind::left ||
        (finding.kind == MemberFinding::Kind::unstarted && finding.peer_url.empty());
    if (is_nobodys && !is_current_) return;
    if (is_nobodys) {
      return did(masters().remove(member.id),
                 fmt::format("{} ({} at {}) removed: it is no master's of the inventory", subject,
                             member.id, fmt::join(member.peer_urls, ",")),
                 subject);
    }
    if (finding.kind == MemberFinding::Kind::moved) {
      return did(masters().move(member.id, finding.peer_url),
                 fmt::format("{}: known at {} from now on", subject, finding.peer_url), subject);
    }
    if (finding.kind == MemberFinding::Kind::unstarted) {
      return tell(
          subject,
          fmt::format(
              "the learner at {} has not started yet; its machine goes on at its next converge",
              finding.peer_url));
    }
    tell(
        subject,
        fmt::format(
            "expected peer URL {}, found {}, and it answers at neither: reboot {}, or `muster node converge {}`",
            finding.peer_url, fmt::join(member.peer_urls, ","), member.name, member.name));
  }

  void keep_space() {
    const auto any = [this](bool EtcdStatus::*alarm) {
      return std::any_of(statuses_.begin(), statuses_.end(),
                         [alarm](const EtcdStatus& status) { return status.*alarm; });
    };
    if (any(&EtcdStatus::is_corrupt)) {
      tell(
          "etcd",
          "alarm CORRUPT: the members' data differ. Restore it from a snapshot (muster cluster reinitialise --help), or take out the member that etcd's log names");
    }
    if (any(&EtcdStatus::has_no_space)) return free_space();
    tell_nearly_full();
    // A member that is silent is missed already.
    if (statuses_.size() != members_.size()) return;
    if (const auto* next = next_to_defragment(statuses_)) defragment(*next);
  }

  void tell_nearly_full() {
    for (const auto& status : statuses_) {
      if (fraction(status.size_in_use, status.quota) < nearly_full) continue;
      tell("etcd",
           fmt::format("its database holds {} of {} MiB, and takes no writes when it is full: {}",
                       mebibytes(status.size_in_use), mebibytes(status.quota), cure));
      return;
    }
  }

  bool defragment(const EtcdStatus& status) {
    const auto done = EtcdClient(process_, {status.endpoint}).defragment();
    const auto after = EtcdClient(process_, {status.endpoint}).statuses();
    const auto size = after && !after->empty() ? after->front().size : status.size;
    did(done,
        fmt::format("etcd at {} defragmented: {} MiB, {} before", status.endpoint, mebibytes(size),
                    mebibytes(status.size)),
        "etcd");
    return done.has_value();
  }

  // kube-apiserver's own compaction needs a write, which etcd refuses now.
  void free_space() {
    std::uint64_t revision = 0;
    for (const auto& status : statuses_) revision = std::max(revision, status.revision);
    if (auto compacted = masters().compact(revision); !compacted) {
      return tell_no_space(compacted.error().message);
    }
    std::stable_sort(statuses_.begin(), statuses_.end(), [](const auto& one, const auto& other) {
      return !one.is_leader() && other.is_leader();
    });
    for (const auto& status : statuses_) {
      if (!defragment(status)) return tell_no_space("the rest waits for that member");
    }
    const auto after = EtcdClient(process_, endpoints_).statuses();
    if (!after) return tell_no_space(after.error().message);
    if (after->size() != members_.size())
      return tell_no_space("a member does not answer, and may have no room");
    for (const auto& status : *after) {
      if (fraction(status.size, status.quota) <= room_again) continue;
      return tell_no_space(fmt::format("{} of {} MiB at {} are in use", mebibytes(status.size),
                                       mebibytes(status.quota), status.endpoint));
    }
    did(masters().disarm_alarms(), "etcd: alarm NOSPACE disarmed: there is room again", "etcd");
  }

  void tell_no_space(const std::string& found) {
    tell("etcd",
         fmt::format(
             "alarm NOSPACE: the cluster takes no writes; compacted and defragmented, and {}: {}",
             found, cure));
  }

  static constexpr const char* cure =
      "delete objects that nobody needs (events, old Secrets and ReplicaSets), or raise componentArguments.etcd.quota-backend-bytes in the inventory";

  Process& process_;
  const NodeDocument& document_;
  const bool is_current_;
  const std::set<std::string>& suspects_;
  EtcdCare care_;
  std::vector<EtcdMember> members_;
  std::vector<std::string> endpoints_;
  std::vector<EtcdStatus> statuses_;
};

}  // namespace

EtcdCare care_for_etcd(Process& process, const NodeDocument& document, bool is_current,
                       EtcdCarer carer, const std::set<std::string>& suspects) {
  return Care(process, document, is_current, suspects).look(carer);
}

std::vector<MemberFinding> find_odd_members(const std::vector<EtcdMember>& members,
                                            const std::vector<MachineAddress>& masters,
                                            const std::set<std::string>& answering) {
  using Kind = MemberFinding::Kind;
  const auto is_at = [](const EtcdMember& member, const std::string& url) {
    return std::find(member.peer_urls.begin(), member.peer_urls.end(), url) !=
           member.peer_urls.end();
  };
  std::vector<MemberFinding> findings;
  for (const auto& member : members) {
    const bool answers = answering.count(member.id) > 0;
    const auto master = std::find_if(masters.begin(), masters.end(), [&](const auto& one) {
      return member.name.empty() ? is_at(member, etcd_peer_url(one.address))
                                 : member.name == one.name;
    });
    if (member.name.empty()) {
      if (!member.is_learner) continue;  // of a static list, and not up yet
      findings.push_back(
          {Kind::unstarted, member, master == masters.end() ? "" : etcd_peer_url(master->address)});
      continue;
    }
    if (master == masters.end()) {
      // One that answers is a master no more and leaves by itself when its turn comes.
      if (!answers) findings.push_back({Kind::left, member, ""});
      continue;
    }
    const auto url = etcd_peer_url(master->address);
    if (member.peer_urls == std::vector<std::string>{url}) continue;
    const bool is_replaced = std::any_of(members.begin(), members.end(), [&](const auto& other) {
      return other.id != member.id && is_at(other, url);
    });
    const auto& clients = member.client_urls;
    const bool has_moved = answers && std::find(clients.begin(), clients.end(),
                                                etcd_client_url(master->address)) != clients.end();
    if (has_moved && !is_replaced) {
      findings.push_back({Kind::moved, member, url});
    } else if (!answers) {
      findings.push_back({is_replaced ? Kind::left : Kind::unreached, member, url});
    }
  }
  return findings;
}

const EtcdStatus* next_to_defragment(const std::vector<EtcdStatus>& statuses) {
  const EtcdStatus* next = nullptr;
  for (const auto& status : statuses) {
    const auto free = status.size - std::min(status.size, status.size_in_use);
    if (free < worth_defragmenting || fraction(free, status.size) < worth_fraction) continue;
    if (next == nullptr || next->is_leader()) next = &status;
  }
  return next;
}

}  // namespace muster
