#include "agent/etcd/etcd_client.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/paths.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

std::vector<std::string> texts_of(const nlohmann::json& member, const char* field) {
  std::vector<std::string> list;
  const auto found = member.find(field);
  if (found == member.end() || !found->is_array()) return list;
  for (const auto& text : *found) {
    if (text.is_string()) list.push_back(text.get<std::string>());
  }
  return list;
}

std::string id_of(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_number_unsigned()) return {};
  return fmt::format("{:x}", found->get<std::uint64_t>());
}

std::uint64_t number_of(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

const EtcdMember* EtcdMembers::by_id(const std::string& id) const {
  for (const auto& member : members) {
    if (!id.empty() && member.id == id) return &member;
  }
  return nullptr;
}

const EtcdMember* EtcdMembers::own(const std::string& id, const std::string& name,
                                   const std::string& peer_url) const {
  if (const auto* known = by_id(id)) return known;
  const EtcdMember* there = by_peer_url(peer_url);
  if (there != nullptr && (there->name == name || there->name.empty())) return there;
  for (const auto& member : members) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

const EtcdMember* EtcdMembers::by_peer_url(const std::string& peer_url) const {
  for (const auto& member : members) {
    const auto& urls = member.peer_urls;
    if (std::find(urls.begin(), urls.end(), peer_url) != urls.end()) return &member;
  }
  return nullptr;
}

Result<EtcdMembers> parse_members(std::string_view text) {
  const auto json = parse_strict_json("etcdctl member list", text);
  if (!json) return pass(json.error());
  if (!json->is_object() || !json->contains("header") || !json->contains("members") ||
      !(*json)["members"].is_array()) {
    return fail(ErrorKind::corrupt, "etcdctl member list: expected a header and members");
  }
  EtcdMembers members;
  members.cluster_id = id_of((*json)["header"], "cluster_id");
  for (const auto& entry : (*json)["members"]) {
    if (!entry.is_object()) continue;
    EtcdMember member;
    member.id = id_of(entry, "ID");
    const auto name = entry.find("name");
    if (name != entry.end() && name->is_string()) member.name = name->get<std::string>();
    member.peer_urls = texts_of(entry, "peerURLs");
    member.client_urls = texts_of(entry, "clientURLs");
    const auto learner = entry.find("isLearner");
    member.is_learner = learner != entry.end() && learner->is_boolean() && learner->get<bool>();
    members.members.push_back(member);
  }
  return members;
}

Result<std::vector<std::string>> parse_health(std::string_view text) {
  const auto json = parse_strict_json("etcdctl endpoint health", text);
  if (!json) return pass(json.error());
  if (!json->is_array())
    return fail(ErrorKind::corrupt, "etcdctl endpoint health: expected a list");
  std::vector<std::string> healthy;
  for (const auto& row : *json) {
    if (!row.is_object() || row.value("health", nlohmann::json()) != true) continue;
    const auto endpoint = row.find("endpoint");
    if (endpoint != row.end() && endpoint->is_string()) healthy.push_back(*endpoint);
  }
  return healthy;
}

Result<std::vector<EtcdStatus>> parse_statuses(std::string_view text) {
  const auto json = parse_strict_json("etcdctl endpoint status", text);
  if (!json) return pass(json.error());
  if (!json->is_array())
    return fail(ErrorKind::corrupt, "etcdctl endpoint status: expected a list");
  std::vector<EtcdStatus> statuses;
  for (const auto& row : *json) {
    if (!row.is_object() || !row.contains("Endpoint") || !row.contains("Status")) continue;
    const auto& status = row["Status"];
    if (!row["Endpoint"].is_string() || !status.is_object() || !status.contains("header")) continue;
    EtcdStatus one;
    one.endpoint = row["Endpoint"].get<std::string>();
    one.member_id = id_of(status["header"], "member_id");
    one.leader_id = id_of(status, "leader");
    one.revision = number_of(status["header"], "revision");
    one.size = number_of(status, "dbSize");
    one.size_in_use = number_of(status, "dbSizeInUse");
    one.quota = number_of(status, "dbSizeQuota");
    for (const auto& alarm : texts_of(status, "errors")) {
      one.has_no_space = one.has_no_space || alarm.find("alarm:NOSPACE") != std::string::npos;
      one.is_corrupt = one.is_corrupt || alarm.find("alarm:CORRUPT") != std::string::npos;
    }
    statuses.push_back(std::move(one));
  }
  return statuses;
}

Result<ProcessOutcome> EtcdClient::start(const std::vector<std::string>& arguments,
                                         std::chrono::seconds limit) {
  ProcessRequest request;
  request.arguments = {
      paths::program("etcd", "etcdctl"),
      fmt::format("--endpoints={}", fmt::join(endpoints_, ",")),
      "--cacert=" + paths::certificate("etcd-client", "ca.crt"),
      "--cert=" + paths::certificate("etcd-client", "tls.crt"),
      "--key=" + paths::certificate("etcd-client", "tls.key"),
      fmt::format("--command-timeout={}s", limit.count()),
      "--dial-timeout=2s",
  };
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  request.timeout = std::chrono::seconds(55) + limit;
  return process_.run(request);
}

Result<std::string> EtcdClient::run(const std::vector<std::string>& arguments,
                                    std::chrono::seconds limit) {
  auto outcome = start(arguments, limit);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status != 0) {
    return fail(ErrorKind::unavailable,
                fmt::format("etcdctl {} at {}: {}", fmt::join(arguments, " "),
                            fmt::join(endpoints_, ","), last_line(outcome->error)));
  }
  return outcome->output;
}

Result<EtcdMembers> EtcdClient::members() {
  auto output = run({"member", "list", "--write-out=json"});
  if (!output) return pass(output.error());
  return parse_members(*output);
}

Result<void> EtcdClient::add_learner(const std::string& name, const std::string& peer_url) {
  auto output = run({"member", "add", name, "--learner", "--peer-urls=" + peer_url});
  if (!output) return pass(output.error());
  return {};
}

Result<void> EtcdClient::move(const std::string& id, const std::string& peer_url) {
  auto output = run({"member", "update", id, "--peer-urls=" + peer_url});
  if (!output) return pass(output.error());
  return {};
}

Result<void> EtcdClient::promote(const std::string& id) {
  auto output = run({"member", "promote", id});
  if (!output) return pass(output.error());
  return {};
}

Result<void> EtcdClient::remove(const std::string& id) {
  auto output = run({"member", "remove", id});
  if (!output) return pass(output.error());
  return {};
}

Result<std::vector<std::string>> EtcdClient::healthy_endpoints() {
  auto outcome = start({"endpoint", "health", "--write-out=json"});
  if (!outcome) return pass(outcome.error());
  return parse_health(outcome->output);
}

Result<std::vector<EtcdStatus>> EtcdClient::statuses() {
  auto outcome = start({"endpoint", "status", "--write-out=json"});
  if (!outcome) return pass(outcome.error());
  return parse_statuses(outcome->output);
}

Result<void> EtcdClient::compact(std::uint64_t revision) {
  auto output = run({"compact", fmt::format("{}", revision)});
  if (output) return {};
  if (output.error().message.find("has been compacted") != std::string::npos) return {};
  return pass(output.error());
}

Result<void> EtcdClient::defragment() {
  EtcdClient one(process_, {endpoints_.front()});
  auto output = one.run({"defrag"}, std::chrono::seconds(120));
  if (!output) return pass(output.error());
  return {};
}

Result<void> EtcdClient::disarm_alarms() {
  auto output = run({"alarm", "disarm"});
  if (!output) return pass(output.error());
  return {};
}

Result<void> EtcdClient::save_snapshot(const std::string& path) {
  EtcdClient one(process_, {endpoints_.front()});
  auto output = one.run({"snapshot", "save", path});
  if (!output) return pass(output.error());
  return {};
}

}  // namespace muster
