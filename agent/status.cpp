#include "agent/status.hpp"

#include <fmt/ranges.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/kept_status.hpp"
#include "agent/run/settings_text.hpp"
#include "agent/session/identity.hpp"
#include "agent/session/tombstone.hpp"
#include "agent/session/waiting.hpp"
#include "document/report_text.hpp"
#include "document/utf8.hpp"

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

// By which an operator tells two machines apart that hold one name; "" before it is enrolled.
std::string identity_key_of(const Host& host) {
  const auto identity = load_identity(host.files);
  return identity && *identity ? (*identity)->key.public_key().fingerprint() : std::string();
}

std::string state_of(const Host& host, const std::string& unit) {
  const auto status = host.services.status(unit);
  return status ? status->active_state : "unknown";
}

using Row = std::function<void(std::string_view label, const std::string& value)>;

// Both judgements, as the last report has them, and why it failed.
void add_judgements(const Report& report, std::int64_t now, const Row& row) {
  row("in short", in_short(report, now));
  if (report.configuration) row("configured", std::string(name(*report.configuration)));
  if (!report.fetched_digest.empty())
    row("fetched", fmt::format("generation {}, {}", report.generation, report.fetched_digest));
  row("in force", or_none(report.document_digest));
  if (!report.pending_digest.empty()) row("pending", report.pending_digest);
  if (const auto& refused = report.refused_document) {
    row("refused", refused->digest + ": " + refused->reason);
  }
  for (const auto& problem : report.unwell) row("unwell", problem.subject + " " + problem.message);
  if (!report.failure) return;
  if (!report.failure->unit.empty()) row("failed unit", report.failure->unit);
  for (const auto& line : report.failure->log) row("its log", line);
  if (!report.failure->cure.empty()) row("cure", report.failure->cure);
}

}  // namespace

std::string status_text(const Host& host, const Checkpoint& checkpoint, const Facts& facts) {
  std::string text;
  const Row row = [&](std::string_view label, const std::string& value) {
    std::istringstream lines(value);
    for (std::string line; std::getline(lines, line);) {
      text += fmt::format("{:<12} {}\n", label, printable(line));
    }
  };
  if (const std::string what_for = waiting_for(host.files); !what_for.empty())
    row("waits", what_for);
  if (const std::string end = end_of(host); !end.empty()) row("ended", end);
  row("node", or_none(checkpoint.node));
  row("cluster", or_none(checkpoint.cluster));
  if (const std::string key = identity_key_of(host); !key.empty()) row("identity", key);
  row("verdict", or_none(checkpoint.last_verdict));
  const auto report = kept_status(host.files);
  const bool is_told_below = report && report->refused_document &&
                             report->refused_document->reason == checkpoint.last_message;
  if (!checkpoint.last_message.empty() && !is_told_below) row("", checkpoint.last_message);
  if (report) add_judgements(*report, std::chrono::system_clock::to_time_t(host.clock.now()), row);
  if (!report && checkpoint.node.empty())
    row("in short", "this machine is not set up: it has taken no document");
  row("taken", fmt::format("generation {}", checkpoint.document_generation));
  row("settled", or_none(checkpoint.settled_document));
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
  const auto report = kept_status(host.files);
  const nlohmann::json status{
      {"node", checkpoint.node},
      {"waitsFor", waiting_for(host.files)},
      {"report", report ? nlohmann::json::parse(to_json(*report)) : nlohmann::json(nullptr)},
      {"cluster", checkpoint.cluster},
      {"identityKey", identity_key_of(host)},
      {"ended", end_of(host)},
      {"verdict", checkpoint.last_verdict},
      {"message", checkpoint.last_message},
      {"generation", checkpoint.document_generation},
      {"document", checkpoint.settled_document},
      {"settled", checkpoint.settled_boot == facts.boot_id},
      {"etcdMemberId", checkpoint.etcd_member_id},
      {"units", units}};
  return status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
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
