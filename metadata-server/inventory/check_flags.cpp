#include "inventory/check_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "document/owned_flags.hpp"
#include "document/problem.hpp"
#include "inventory/component_options.hpp"
#include "inventory/field_types.hpp"
#include "inventory/kept_settings.hpp"
#include "inventory/suggest.hpp"
#include "inventory/url_credentials.hpp"

namespace muster {

namespace {

// That the cluster runs, by what the inventory says; "" where the server's catalogue decides it.
std::string version_of(const Cluster& cluster, const std::string& component) {
  if (component != "etcd" && component != "containerd") return cluster.kubernetes_version.value;
  const auto pinned = cluster.releases.find(component);
  return pinned == cluster.releases.end() ? std::string() : pinned->second.value;
}

class FlagChecker {
 public:
  FlagChecker(const Cluster& cluster, const ReleaseFlags& releases,
              std::vector<InventoryProblem>& problems, std::vector<InventoryProblem>& warnings)
      : cluster_(cluster), releases_(releases), problems_(problems), warnings_(warnings) {}

  void check(const std::string& component,
             const std::map<std::string, Sourced<std::string>>& arguments) {
    const std::string version = version_of(cluster_, component);
    const KnownFlags known = known_flags(releases_, component, version);
    if (known.flags == nullptr && !arguments.empty())
      warnings_.push_back(problem_at(
          arguments.begin()->second.place, fmt::format("spec.componentArguments[{}]", component),
          fmt::format("a version of {} whose flags are known", component), in_ticks(known.version),
          "its flags are not checked"));
    if (component == "etcd") check_election(arguments);
    for (const auto& [flag, value] : arguments) {
      const std::string field = fmt::format("spec.componentArguments[{}][{}]", component, flag);
      // Told by read_cluster.
      if (!owner_of_flag(component, flag).empty()) continue;
      if (check_kept(component, flag, value, field) || known.flags == nullptr) continue;
      check_known(component, flag, value, field, known, !version.empty());
    }
  }

 private:
  void report(const Sourced<std::string>& value, const std::string& field, std::string expected,
              std::string found, std::string hint = {}) {
    problems_.push_back(
        problem_at(value.place, field, std::move(expected), std::move(found), std::move(hint)));
  }

  // etcd's own rule across two flags (embed/config.go, Validate); what is not written is Muster's.
  void check_election(const std::map<std::string, Sourced<std::string>>& arguments) {
    const auto milliseconds = [&](const char* flag, long ours) {
      const auto written = arguments.find(flag);
      if (written == arguments.end()) return ours;
      long number = 0;
      const std::string& text = written->second.value;
      const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
      return read.ec == std::errc() ? number : -1L;
    };
    const long heartbeat = milliseconds("heartbeat-interval", 100);
    const long election = milliseconds("election-timeout", 1000);
    if (heartbeat <= 0 || election <= 0) return;
    const bool is_short = election / 5 < heartbeat;
    if (!is_short && election <= 50000) return;
    const char* flag =
        arguments.contains("election-timeout") ? "election-timeout" : "heartbeat-interval";
    report(arguments.at(flag), fmt::format("spec.componentArguments[etcd][{}]", flag),
           "election-timeout of at least five times heartbeat-interval, and at most 50000",
           fmt::format("{} and {}", election, heartbeat), "etcd does not start with it");
  }

  bool check_kept(const std::string& component, const std::string& flag,
                  const Sourced<std::string>& value, const std::string& field) {
    if (holds_url_password(value.value)) {
      report(value, field, "a URL without a user and a password", in_ticks(value.value),
             "documents are kept and shown; name a file that holds them, of a secret");
      return true;
    }
    const Kept kept = kept_flag(component, flag, value.value);
    if (kept.cure.empty()) return false;
    const bool is_value = kept.expected.starts_with("a value");
    report(value, field, std::string(kept.expected), in_ticks(is_value ? value.value : flag),
           std::string(kept.cure));
    return true;
  }

  void check_known(const std::string& component, const std::string& flag,
                   const Sourced<std::string>& value, const std::string& field,
                   const KnownFlags& known, bool is_written) {
    const auto type = known.flags->find(flag);
    const std::string program = fmt::format("{} {}", component, known.version);
    if (type == known.flags->end()) {
      report(value, field, fmt::format("a flag of {}", program), in_ticks(flag),
             cure_of_unknown(component, flag, *known.flags, is_written));
      return;
    }
    const auto mismatch = mismatch_of(value.value, type->second);
    if (!mismatch) {
      if (is_passed_over(component, flag))
        warnings_.push_back(problem_at(
            value.place, field, fmt::format("a flag that {} heeds", component), in_ticks(flag),
            "beside its configuration file, which Muster writes, it heeds those of its log alone"));
      return;
    }
    std::string cure = mismatch->cure;
    if (cure.empty()) cure = fmt::format("{} does not start with it", program);
    report(value, field, mismatch->expected, in_ticks(mismatch->found), std::move(cure));
  }

  static std::string cure_of_unknown(const std::string& component, const std::string& flag,
                                     const FlagTypes& known, bool is_written) {
    if (const auto successor = successor_of_flag(component, flag); !successor.empty())
      return std::string(successor);
    std::vector<std::string_view> names;
    for (const auto& [name, type] : known) names.push_back(name);
    std::string near = did_you_mean(flag, names);
    if (!near.empty()) return near;
    if (!is_written)
      return fmt::format("leave it out, or write the version that has it in spec.releases.{}",
                         component);
    return fmt::format("{} does not start with it; leave it out", component);
  }

  const Cluster& cluster_;
  const ReleaseFlags& releases_;
  std::vector<InventoryProblem>& problems_;
  std::vector<InventoryProblem>& warnings_;
};

}  // namespace

void check_flags(const Cluster& cluster, const ReleaseFlags& releases,
                 std::vector<InventoryProblem>& problems, std::vector<InventoryProblem>& warnings) {
  FlagChecker checker(cluster, releases, problems, warnings);
  for (const auto& [component, arguments] : cluster.component_arguments)
    checker.check(component, arguments);
}

}  // namespace muster
