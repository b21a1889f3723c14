#include "agent/status.hpp"

#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "agent/settings_text.hpp"
#include "agent/tombstone.hpp"

namespace muster {
namespace {

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

// "" as long as its cluster is there.
std::string end_of(const Host& host) {
  const auto kept = kept_tombstone(host.files);
  if (!kept) return kept.error().message;
  return *kept ? to_text(**kept) : std::string();
}

std::string state_of(const Host& host, const std::string& unit) {
  const auto status = host.services.status(unit);
  return status ? status->active_state : "unknown";
}

}  // namespace

std::string status_text(const Host& host, const Checkpoint& checkpoint, const Facts& facts) {
  std::string text;
  const auto row = [&](std::string_view label, const std::string& value) {
    text += fmt::format("{:<12} {}\n", label, value);
  };
  if (const std::string end = end_of(host); !end.empty()) row("ended", end);
  row("node", or_none(checkpoint.node));
  row("cluster", or_none(checkpoint.cluster));
  row("verdict", or_none(checkpoint.last_verdict));
  if (!checkpoint.last_message.empty()) row("", checkpoint.last_message);
  row("generation", fmt::format("{}", checkpoint.document_generation));
  row("document", or_none(checkpoint.settled_document));
  row("this boot", checkpoint.settled_boot == facts.boot_id ? "converged" : "not converged yet");
  if (!checkpoint.etcd_member_id.empty()) row("etcd member", checkpoint.etcd_member_id);
  for (const auto& [unit, inputs] : checkpoint.units) {
    row(fmt::format("{:<32}", unit), state_of(host, unit));
  }
  return text;
}

std::string status_json(const Host& host, const Checkpoint& checkpoint, const Facts& facts) {
  auto units = nlohmann::json::object();
  for (const auto& [unit, inputs] : checkpoint.units) units[unit] = state_of(host, unit);
  const nlohmann::json status{{"node", checkpoint.node},
                              {"cluster", checkpoint.cluster},
                              {"ended", end_of(host)},
                              {"verdict", checkpoint.last_verdict},
                              {"message", checkpoint.last_message},
                              {"generation", checkpoint.document_generation},
                              {"document", checkpoint.settled_document},
                              {"settled", checkpoint.settled_boot == facts.boot_id},
                              {"etcdMemberId", checkpoint.etcd_member_id},
                              {"units", units}};
  return status.dump(2) + "\n";
}

std::string facts_json(const Facts& facts, const SettingsView& settings) {
  auto interfaces = nlohmann::json::array();
  for (const auto& interface : facts.interfaces) {
    interfaces.push_back(
        {{"name", interface.name}, {"mac", interface.mac}, {"addresses", interface.addresses}});
  }
  const nlohmann::json json{{"hostname", facts.hostname},
                            {"machineId", facts.machine_id},
                            {"bootId", facts.boot_id},
                            {"uuid", facts.uuid},
                            {"serial", facts.serial},
                            {"cpus", facts.cpus},
                            {"memoryBytes", facts.memory_bytes},
                            {"cgroupVersion", facts.cgroup_version},
                            {"missingCgroupControllers", facts.missing_cgroup_controllers},
                            {"swapOn", facts.swap_on},
                            {"interfaces", interfaces},
                            {"settings", settings_json(settings)}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string facts_text(const Facts& facts, const SettingsView& settings) {
  std::string text = fmt::format(
      "hostname     {}\nmachine id   {}\nboot id      {}\nuuid         {}\nserial       {}\n"
      "cpus         {}\nmemory       {} MiB\ncgroups      version {}\nswap         {}\n",
      facts.hostname, facts.machine_id, facts.boot_id, or_none(facts.uuid), or_none(facts.serial),
      facts.cpus, facts.memory_bytes >> 20, facts.cgroup_version, facts.swap_on ? "on" : "off");
  for (const auto& interface : facts.interfaces) {
    text += fmt::format("interface    {} {} {}\n", interface.name, interface.mac,
                        fmt::join(interface.addresses, " "));
  }
  return text + settings_text(settings);
}

}  // namespace muster
