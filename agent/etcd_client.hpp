// etcdctl of the installed release, asked as the machine's etcd-client certificate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

struct EtcdMember {
  std::string id;    // hexadecimal
  std::string name;  // empty until it was started once
  std::vector<std::string> peer_urls, client_urls;
  bool is_learner = false;
};

struct EtcdMembers {
  std::string cluster_id;  // hexadecimal
  std::vector<EtcdMember> members;
  // By peer URL, which is fixed before a member has a name; nullptr when it is none of them.
  [[nodiscard]] const EtcdMember* find(const std::string& peer_url) const;
};

class EtcdClient {
 public:
  EtcdClient(Process& process, std::vector<std::string> endpoints)
      : process_(process), endpoints_(std::move(endpoints)) {}
  [[nodiscard]] Result<EtcdMembers> members();
  [[nodiscard]] Result<void> add_learner(const std::string& name, const std::string& peer_url);
  [[nodiscard]] Result<void> promote(const std::string& id);
  [[nodiscard]] Result<void> remove(const std::string& id);
  // Those of the endpoints that answer a linearised read, which needs a leader and a quorum.
  [[nodiscard]] Result<std::vector<std::string>> healthy_endpoints();
  // From the first endpoint (etcdctl takes one).
  [[nodiscard]] Result<void> save_snapshot(const std::string& path);

 private:
  [[nodiscard]] Result<ProcessOutcome> start(const std::vector<std::string>& arguments);
  [[nodiscard]] Result<std::string> run(const std::vector<std::string>& arguments);
  Process& process_;
  std::vector<std::string> endpoints_;
};

// Of `etcdctl endpoint health -w json`, which exits 1 where one of them is not healthy.
[[nodiscard]] Result<std::vector<std::string>> parse_health(std::string_view json);
// Of `etcdctl member list -w json`.
[[nodiscard]] Result<EtcdMembers> parse_members(std::string_view json);

}  // namespace muster
