#include "inventory/check_flags.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/owned_flags.hpp"
#include "document/problem.hpp"
#include "inventory/component_options.hpp"
#include "inventory/field_types.hpp"
#include "inventory/kept_settings.hpp"
#include "inventory/suggest.hpp"
#include "inventory/url_credentials.hpp"

namespace muster {

namespace {

// The version that the cluster runs, by what the inventory says; the newest that is known where the
// server's catalogue decides it.
struct Version {
  std::string minor;
  bool is_written = true;
};

Version version_of(const Cluster& cluster, const std::string& component) {
  if (component != "etcd" && component != "containerd")
    return {minor_version(cluster.kubernetes_version.value)};
  const auto pinned = cluster.releases.find(component);
  if (pinned == cluster.releases.end()) return {newest_known(component), false};
  return {minor_version(pinned->second.value)};
}

class FlagChecker {
 public:
  FlagChecker(const Cluster& cluster, std::vector<InventoryProblem>& problems,
              std::vector<InventoryProblem>& warnings)
      : cluster_(cluster), problems_(problems), warnings_(warnings) {}

  void check(const std::string& component,
             const std::map<std::string, Sourced<std::string>>& arguments) {
    const Version version = version_of(cluster_, component);
    const FlagTypes* known = flags_of(component, version.minor);
    if (known == nullptr && !arguments.empty())
      warnings_.push_back(problem_at(
          arguments.begin()->second.place, fmt::format("spec.componentArguments[{}]", component),
          fmt::format("a version of {} whose flags are known", component), in_ticks(version.minor),
          "its flags are not checked"));
    for (const auto& [flag, value] : arguments) {
      const std::string field = fmt::format("spec.componentArguments[{}][{}]", component, flag);
      // Told by read_cluster.
      if (!owner_of_flag(component, flag).empty()) continue;
      if (check_kept(component, flag, value, field) || known == nullptr) continue;
      check_known(component, flag, value, field, version, *known);
    }
  }

 private:
  void report(const Sourced<std::string>& value, const std::string& field, std::string expected,
              std::string found, std::string hint = {}) {
    problems_.push_back(
        problem_at(value.place, field, std::move(expected), std::move(found), std::move(hint)));
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
                   const Version& version, const FlagTypes& known) {
    const auto type = known.find(flag);
    if (type == known.end()) {
      report(value, field, fmt::format("a flag of {} {}", component, version.minor), in_ticks(flag),
             cure_of_unknown(component, flag, version, known));
      return;
    }
    if (is_of_type(value.value, type->second)) {
      if (is_passed_over(component, flag))
        warnings_.push_back(problem_at(
            value.place, field, fmt::format("a flag that {} heeds", component), in_ticks(flag),
            "beside its configuration file, which Muster writes, it heeds those of its log alone"));
      return;
    }
    report(value, field, std::string(expected_of_type(type->second)), in_ticks(value.value),
           fmt::format("{} {} does not start with it", component, version.minor));
  }

  static std::string cure_of_unknown(const std::string& component, const std::string& flag,
                                     const Version& version, const FlagTypes& known) {
    if (const auto successor = successor_of_flag(component, flag); !successor.empty())
      return std::string(successor);
    std::vector<std::string_view> names;
    for (const auto& [name, type] : known) names.push_back(name);
    std::string near = did_you_mean(flag, names);
    if (!near.empty()) return near;
    if (!version.is_written)
      return fmt::format("leave it out, or write the version that has it in spec.releases.{}",
                         component);
    return fmt::format("{} does not start with it; leave it out", component);
  }

  const Cluster& cluster_;
  std::vector<InventoryProblem>& problems_;
  std::vector<InventoryProblem>& warnings_;
};

}  // namespace

void check_flags(const Cluster& cluster, std::vector<InventoryProblem>& problems,
                 std::vector<InventoryProblem>& warnings) {
  FlagChecker checker(cluster, problems, warnings);
  for (const auto& [component, arguments] : cluster.component_arguments)
    checker.check(component, arguments);
}

}  // namespace muster
