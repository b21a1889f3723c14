// etcd as etcdctl shows it: a member list that changes as it is told to.
#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fakes/fake_host.hpp"

namespace muster {

struct FakeEtcd {
  struct Member {
    std::uint64_t id = 0;
    std::string name, address;  // empty name: never started
    bool is_learner = false, answers = true;
    std::string listens_at = {};  // empty: at its address
    std::uint64_t size = 1u << 20, in_use = 1u << 20;
  };
  std::vector<Member> members;
  std::uint64_t cluster_id = 0xc1, leader = 1, next_id = 100, quota = 8ull << 30;
  bool has_no_space = false, is_silent = false;
  std::vector<std::string> commands;  // that change something, without credentials
  std::set<std::string> broken;       // verbs that fail: "member remove"

  Result<ProcessOutcome> answer(const ProcessRequest& request) {
    const auto& all = request.arguments;
    if (all.front().find("etcdctl") == std::string::npos) return ProcessOutcome{};
    const std::string endpoints = all[1].substr(std::string("--endpoints=").size());
    std::vector<std::string> words;
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all[i].rfind("--", 0) != 0 || all[i].rfind("--peer-urls", 0) == 0 ||
          all[i] == "--learner")
        words.push_back(all[i]);
    }
    const std::string line = fmt::format("{}", fmt::join(words, " "));
    const std::string verb = words[0] + (words.size() > 1 ? " " + words[1] : "");
    if (verb == "endpoint status") return statuses(endpoints);
    if (verb == "endpoint health") return health(endpoints);
    if (is_silent || !answers_at(endpoints)) return failed("context deadline exceeded");
    if (verb == "member list") return list();
    commands.push_back(words[0] == "defrag" ? line + " " + endpoints : line);
    if (broken.count(verb) > 0 || broken.count(words[0]) > 0)
      return failed("etcdserver: unhealthy cluster");
    carry_out(words, endpoints);
    return ProcessOutcome{};
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& member : members) all.push_back(member.name);
    return all;
  }

 private:
  static ProcessOutcome failed(const std::string& reason) {
    return ProcessOutcome{1, "", "Error: " + reason + "\n"};
  }
  static std::string client_of(const Member& member) {
    const auto& address = member.listens_at.empty() ? member.address : member.listens_at;
    return "https://" + address + ":2379";
  }
  [[nodiscard]] bool answers_at(const std::string& endpoints) const {
    if (endpoints.find("127.0.0.1") != std::string::npos) return true;
    return std::any_of(members.begin(), members.end(), [&](const Member& member) {
      return member.answers && !member.is_learner &&
             endpoints.find(client_of(member)) != std::string::npos;
    });
  }
  [[nodiscard]] ProcessOutcome list() const {
    std::string rows;
    for (const auto& member : members) {
      const auto client =
          member.name.empty() ? "" : fmt::format(R"(,"clientURLs":["{}"])", client_of(member));
      rows += fmt::format(R"({}{{"ID":{},"name":"{}","peerURLs":["https://{}:2380"]{}{}}})",
                          rows.empty() ? "" : ",", member.id, member.name, member.address, client,
                          member.is_learner ? R"(,"isLearner":true)" : "");
    }
    return {0, fmt::format(R"({{"header":{{"cluster_id":{}}},"members":[{}]}})", cluster_id, rows),
            ""};
  }
  [[nodiscard]] ProcessOutcome statuses(const std::string& endpoints) const {
    std::string rows;
    for (const auto& member : members) {
      if (!member.answers || endpoints.find(client_of(member)) == std::string::npos) continue;
      rows += fmt::format(
          R"({}{{"Endpoint":"{}","Status":{{"header":{{"member_id":{},"revision":7}},"leader":{},"dbSize":{},"dbSizeInUse":{},"dbSizeQuota":{}{}}}}})",
          rows.empty() ? "" : ",", client_of(member), member.id, leader, member.size, member.in_use,
          quota, has_no_space ? R"(,"errors":["memberID:1 alarm:NOSPACE "])" : "");
    }
    return {0, "[" + rows + "]", ""};
  }
  [[nodiscard]] ProcessOutcome health(const std::string& endpoints) const {
    std::string rows;
    for (const auto& member : members) {
      if (endpoints.find(client_of(member)) == std::string::npos) continue;
      rows += fmt::format(R"({}{{"endpoint":"{}","health":{}}})", rows.empty() ? "" : ",",
                          client_of(member), member.answers && !is_silent);
    }
    return {0, "[" + rows + "]", ""};
  }
  Member* find(const std::string& hexadecimal) {
    for (auto& member : members) {
      if (fmt::format("{:x}", member.id) == hexadecimal) return &member;
    }
    return nullptr;
  }
  void carry_out(const std::vector<std::string>& words, const std::string& endpoints) {
    const auto address_in = [](const std::string& url) {
      const auto begin = url.find("//") + 2;
      return url.substr(begin, url.rfind(':') - begin);
    };
    if (words[0] == "alarm") has_no_space = false;
    if (words[0] == "defrag") {
      for (auto& member : members) {
        if (client_of(member) == endpoints) member.size = member.in_use;
      }
    }
    if (words[0] != "member") return;
    if (words[1] == "add") {
      Member added;
      added.id = next_id++;
      added.address = address_in(words.back());
      added.is_learner = true;
      members.push_back(added);
      return;
    }
    Member* member = find(words[2]);
    if (member == nullptr) return;
    if (words[1] == "remove") {
      std::erase_if(members, [&](const Member& one) { return &one == member; });
    } else if (words[1] == "update") {
      member->address = address_in(words.back());
    } else if (words[1] == "promote") {
      member->is_learner = false;
    }
  }
};

}  // namespace muster
