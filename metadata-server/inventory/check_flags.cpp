#include "inventory/check_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "document/field_syntax.hpp"
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

using Arguments = std::map<std::string, Sourced<std::string>>;

// What the program makes of a value before it is compared: levels of a log in any case, and etcd's
// format of it where none is said.
std::string as_read(const std::string& component, const std::string& flag,
                    const std::string& value) {
  if (component != "etcd" && component != "containerd") return value;
  if (flag == "log-level") return lower_case(value);
  return flag == "log-format" && value.empty() ? "json" : value;
}

class FlagChecker {
 public:
  FlagChecker(const Cluster& cluster, const ReleaseFlags& releases,
              std::vector<InventoryProblem>& problems, std::vector<InventoryProblem>& warnings)
      : cluster_(cluster), releases_(releases), problems_(problems), warnings_(warnings) {}

  void check(const std::string& component, const Arguments& arguments) {
    const std::string version = version_of(cluster_, component);
    const KnownFlags known = known_flags(releases_, component, version);
    if (known.flags == nullptr && !arguments.empty())
      warnings_.push_back(problem_at(
          arguments.begin()->second.place, fmt::format("spec.componentArguments[{}]", component),
          fmt::format("a version of {} whose flags are known", component), in_ticks(known.version),
          "its flags are not checked"));
    if (component == "etcd") check_election(arguments);
    check_pairs(component, arguments);
    check_plugins(component, arguments);
    check_ciphers(component, arguments);
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
  void check_election(const Arguments& arguments) {
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

  // One without the other ends the program.
  void check_pairs(const std::string& component, const Arguments& arguments) {
    struct Pair {
      std::string_view component, flag, other;
    };
    static constexpr Pair pairs[] = {
        {"etcd", "client-cert-file", "client-key-file"},
        {"etcd", "client-key-file", "client-cert-file"},
        {"etcd", "peer-client-cert-file", "peer-client-key-file"},
        {"etcd", "peer-client-key-file", "peer-client-cert-file"},
        {"kubelet", "exit-on-lock-contention", "lock-file"},
    };
    const auto is_set = [&](std::string_view flag) {
      const auto written = arguments.find(std::string(flag));
      if (written == arguments.end()) return false;
      const std::string word = lower_case(written->second.value);
      return !word.empty() && word != "0" && word != "f" && word != "false";
    };
    for (const auto& pair : pairs) {
      if (pair.component != component || !is_set(pair.flag) || is_set(pair.other)) continue;
      report(arguments.at(std::string(pair.flag)),
             fmt::format("spec.componentArguments[{}][{}]", component, pair.flag),
             fmt::format("{} beside it", pair.other), "none",
             fmt::format("{} does not start with one of them alone", component));
    }
  }

  // kube-apiserver's own rule (admission's options.go, Validate).
  void check_plugins(const std::string& component, const Arguments& arguments) {
    const auto on = arguments.find("enable-admission-plugins");
    const auto off = arguments.find("disable-admission-plugins");
    if (component != "kube-apiserver" || on == arguments.end() || off == arguments.end()) return;
    std::istringstream plugins(off->second.value);
    for (std::string plugin; std::getline(plugins, plugin, ',');) {
      if (plugin.empty() || !has_entry(on->second.value, plugin)) continue;
      report(off->second, "spec.componentArguments[kube-apiserver][disable-admission-plugins]",
             "none that enable-admission-plugins has", in_ticks(plugin),
             "kube-apiserver does not start with it");
    }
  }

  // RFC 9113, 9.2.2: what Go's HTTP/2 demands of a list of suites (golang.org/x/net/http2).
  void check_ciphers(const std::string& component, const Arguments& arguments) {
    const auto written = arguments.find("tls-cipher-suites");
    if (written == arguments.end() || written->second.value.empty() || component == "etcd") return;
    const std::string& suites = written->second.value;
    const auto says = [&](const char* flag, std::string_view value) {
      const auto found = arguments.find(flag);
      return found != arguments.end() && lower_case(found->second.value) == value;
    };
    const bool has_one =
        suites.find("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") != std::string::npos ||
        suites.find("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") != std::string::npos;
    const bool is_known = suites.find("TLS_") != std::string::npos;  // else told as unknown
    if (has_one || !is_known || says("tls-min-version", "versiontls13") ||
        says("disable-http2-serving", "true"))
      return;
    report(
        written->second, fmt::format("spec.componentArguments[{}][tls-cipher-suites]", component),
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 among them, which HTTP/2 demands",
        in_ticks(suites), fmt::format("{} does not start with it", component));
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
    const auto mismatch = mismatch_of(as_read(component, flag, value.value), type->second);
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
