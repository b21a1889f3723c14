#include "inventory/check_sysctls.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "document/problem.hpp"
#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

struct Guarded {
  std::string_view name, value, reason;
};

constexpr std::string_view by_kubelet =
    "kubelet does not start with another (protectKernelDefaults); leave it out, Muster sets it";
constexpr std::string_view by_pods = "pods reach nobody without it; leave it out, Muster sets it";

// machine/kernel.cpp sets them; kubelet's own list is in pkg/kubelet/cm/container_manager_linux.go.
constexpr std::array guarded_sysctls = {
    Guarded{"vm.overcommit_memory", "1", by_kubelet},
    Guarded{"vm.panic_on_oom", "0", by_kubelet},
    Guarded{"kernel.panic", "10", by_kubelet},
    Guarded{"kernel.panic_on_oops", "1", by_kubelet},
    Guarded{"kernel.keys.root_maxkeys", "1000000", by_kubelet},
    Guarded{"kernel.keys.root_maxbytes", "25000000", by_kubelet},
    Guarded{"net.ipv4.ip_forward", "1", by_pods},
    Guarded{"net.ipv4.conf.all.forwarding", "1", by_pods},
    Guarded{"net.ipv4.conf.default.forwarding", "1", by_pods},
    Guarded{"net.bridge.bridge-nf-call-iptables", "1", by_pods},
};

// As systemd-sysctl reads it: where a slash comes first, slashes separate and dots are of a name.
std::string with_dots(std::string_view written) {
  std::string name(written);
  const std::size_t first = name.find_first_of("./");
  if (first == std::string::npos || name[first] == '.') return name;
  for (char& letter : name) {
    if (letter == '/')
      letter = '.';
    else if (letter == '.')
      letter = '/';
  }
  return name;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r") - start + 1);
}

// A pattern leaves alone what a line names, as Muster's file names all but these two, which are
// ip_forward under other names.
const Guarded* broken_by_pattern(std::string pattern, std::string_view value) {
  std::replace(pattern.begin(), pattern.end(), '.', '\x01');
  for (const Guarded& entry : guarded_sysctls) {
    if (!entry.name.ends_with(".forwarding") || entry.value == trimmed(value)) continue;
    std::string name(entry.name);
    std::replace(name.begin(), name.end(), '.', '\x01');
    if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return &entry;
  }
  return nullptr;
}

const Guarded* broken_by(std::string_view name, std::string_view value) {
  const std::string dotted = with_dots(name);
  if (dotted.find_first_of("*?[") != std::string::npos) return broken_by_pattern(dotted, value);
  const auto* found = std::find_if(guarded_sysctls.begin(), guarded_sysctls.end(),
                                   [&](const Guarded& entry) { return entry.name == dotted; });
  return found == guarded_sysctls.end() || found->value == trimmed(value) ? nullptr : found;
}

}  // namespace

void check_sysctls(const Value& sysctls, const std::string& path,
                   std::vector<InventoryProblem>& problems) {
  std::map<std::string, const Value*> named;
  for (const auto& [name, value] : sysctls.fields) {
    if (value.kind != Value::Kind::scalar) continue;
    const std::string field = fmt::format("{}[{}]", path, escaped(name));
    if (const Guarded* entry = broken_by(name, value.scalar))
      problems.push_back(problem_at(value.place, field, fmt::format("'{}'", entry->value),
                                    in_ticks(value.scalar), std::string(entry->reason)));
    const auto [other, added] = named.try_emplace(with_dots(name), &value);
    if (!added)
      problems.push_back(problem_at(value.place, field, "each parameter once", in_ticks(name),
                                    fmt::format("{} is the same", to_text(other->second->place))));
  }
}

bool is_sysctl_file(std::string_view path) {
  if (path == "/etc/sysctl.conf") return true;
  if (!path.ends_with(".conf")) return false;
  for (const std::string_view folder :
       {"/etc/sysctl.d/", "/run/sysctl.d/", "/usr/lib/sysctl.d/", "/usr/local/lib/sysctl.d/"}) {
    if (path.starts_with(folder)) return true;
  }
  return false;
}

void check_sysctl_lines(const std::string& text, const Place& place, const std::string& field,
                        std::vector<InventoryProblem>& problems) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    std::string_view name = trimmed(std::string_view(line).substr(0, equals));
    if (equals == std::string::npos || name.empty() || name.front() == '#' || name.front() == ';')
      continue;
    if (name.front() == '-') name.remove_prefix(1);
    const std::string_view value = trimmed(std::string_view(line).substr(equals + 1));
    if (const Guarded* entry = broken_by(trimmed(name), value))
      problems.push_back(problem_at(place, field, fmt::format("{} = {}", entry->name, entry->value),
                                    in_ticks(trimmed(line)), std::string(entry->reason)));
  }
}

}  // namespace muster
