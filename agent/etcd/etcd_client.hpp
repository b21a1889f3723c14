// etcdctl of the installed release, asked as the machine's etcd-client certificate.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

[[nodiscard]] inline std::string etcd_peer_url(const std::string& address) {
  return "https://" + address + ":2380";
}
[[nodiscard]] inline std::string etcd_client_url(const std::string& address) {
  return "https://" + address + ":2379";
}

struct EtcdMember {
  std::string id;    // hexadecimal
  std::string name;  // empty until it was started once
  std::vector<std::string> peer_urls, client_urls;
  bool is_learner = false;
};

// One member as it sees itself and the cluster.
struct EtcdStatus {
  std::string endpoint, member_id, leader_id;
  std::uint64_t revision = 0;
  std::uint64_t size = 0, size_in_use = 0, quota = 0;  // of its database, bytes
  bool has_no_space = false, is_corrupt = false;       // alarms, of any member
  [[nodiscard]] bool is_leader() const { return member_id == leader_id; }
};

struct EtcdMembers {
  std::string cluster_id;  // hexadecimal
  std::vector<EtcdMember> members;
  // nullptr when it is none of them.
  [[nodiscard]] const EtcdMember* by_id(const std::string& id) const;
  // For one that has no name yet, since it never started.
  [[nodiscard]] const EtcdMember* by_peer_url(const std::string& peer_url) const;
  // A machine's own: by its id, else by its name, else by where it will listen. Of several of one
  // name the one that listens there.
  [[nodiscard]] const EtcdMember* own(const std::string& id, const std::string& name,
                                      const std::string& peer_url) const;
};

class EtcdClient {
 public:
  EtcdClient(Process& process, std::vector<std::string> endpoints)
      : process_(process), endpoints_(std::move(endpoints)) {}
  [[nodiscard]] Result<EtcdMembers> members();
  [[nodiscard]] Result<void> add_learner(const std::string& name, const std::string& peer_url);
  [[nodiscard]] Result<void> move(const std::string& id, const std::string& peer_url);
  [[nodiscard]] Result<void> promote(const std::string& id);
  [[nodiscard]] Result<void> remove(const std::string& id);
  // Those of the endpoints that answer a linearised read, which needs a leader and a quorum.
  [[nodiscard]] Result<std::vector<std::string>> healthy_endpoints();
  // Of those that answer, without asking for a quorum.
  [[nodiscard]] Result<std::vector<EtcdStatus>> statuses();
  // Forgets what keys were before this revision; conflict-free to repeat.
  [[nodiscard]] Result<void> compact(std::uint64_t revision);
  // Gives the first endpoint's free pages back to its disk. The member answers nothing meanwhile.
  [[nodiscard]] Result<void> defragment();
  [[nodiscard]] Result<void> disarm_alarms();
  // From the first endpoint (etcdctl takes one).
  [[nodiscard]] Result<void> save_snapshot(const std::string& path);

 private:
  [[nodiscard]] Result<ProcessOutcome> start(const std::vector<std::string>& arguments,
                                             std::chrono::seconds limit = std::chrono::seconds(5));
  [[nodiscard]] Result<std::string> run(const std::vector<std::string>& arguments,
                                        std::chrono::seconds limit = std::chrono::seconds(5));
  Process& process_;
  std::vector<std::string> endpoints_;
};

// Of `etcdctl endpoint health -w json`, which exits 1 where one of them is not healthy.
[[nodiscard]] Result<std::vector<std::string>> parse_health(std::string_view json);
// Of `etcdctl endpoint status -w json`, which exits 1 where one of them does not answer.
[[nodiscard]] Result<std::vector<EtcdStatus>> parse_statuses(std::string_view json);
// Of `etcdctl member list -w json`.
[[nodiscard]] Result<EtcdMembers> parse_members(std::string_view json);

}  // namespace muster
