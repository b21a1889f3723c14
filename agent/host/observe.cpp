#include "agent/host/observe.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <set>
#include <sstream>

namespace muster {
namespace {

class Tree {
 public:
  Tree(const Filesystem& files, const std::string& root) : files_(files), root_(root) {}
  // Without surrounding white space; empty when it cannot be read.
  [[nodiscard]] std::string text(const std::string& path) const {
    auto content = files_.read(root_ + path, 16u << 20);
    if (!content) return {};
    while (!content->empty() && std::isspace(static_cast<unsigned char>(content->back())) != 0) {
      content->pop_back();
    }
    return *content;
  }
  [[nodiscard]] bool has(const std::string& path) const {
    return files_.status(root_ + path).has_value();
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const {
    auto names = files_.list(root_ + path);
    return names ? *names : std::vector<std::string>();
  }
  [[nodiscard]] std::string link(const std::string& path) const {
    auto status = files_.status(root_ + path);
    return status ? status->link_target : std::string();
  }

 private:
  const Filesystem& files_;
  std::string root_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::uint64_t number_of(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// "0-3,6" -> 5
std::uint32_t count_cpus(const std::string& online) {
  std::uint32_t count = 0;
  std::istringstream stream(online);
  for (std::string range; std::getline(stream, range, ',');) {
    const auto dash = range.find('-');
    const auto first = number_of(range.substr(0, dash));
    const auto last = dash == std::string::npos ? first : number_of(range.substr(dash + 1));
    count += static_cast<std::uint32_t>(last - first + 1);
  }
  return std::max(count, 1u);
}

std::uint64_t memory_of(const std::string& meminfo) {
  for (const auto& line : lines_of(meminfo)) {
    const auto words = words_of(line);
    if (words.size() >= 2 && words[0] == "MemTotal:") return number_of(words[1]) * 1024;
  }
  return 0;
}

void observe_cgroups(const Tree& tree, Facts& facts) {
  std::set<std::string> there;
  if (tree.has("/sys/fs/cgroup/cgroup.controllers")) {
    facts.cgroup_version = 2;
    for (const auto& word : words_of(tree.text("/sys/fs/cgroup/cgroup.controllers"))) {
      there.insert(word);
    }
  } else {
    facts.cgroup_version = 1;
    for (const auto& line : lines_of(tree.text("/proc/cgroups"))) {
      const auto words = words_of(line);
      if (words.size() == 4 && words[3] == "1") there.insert(words[0]);
    }
  }
  for (const auto* controller : {"cpu", "cpuset", "memory", "pids"}) {
    if (there.count(controller) == 0) facts.missing_cgroup_controllers.emplace_back(controller);
  }
}

std::string underscored(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

// "kernel/net/bridge/br_netfilter.ko.xz: ..." -> "br_netfilter"
std::string module_of(const std::string& line) {
  std::string name = line.substr(0, line.find(':'));
  name = name.substr(name.find_last_of('/') + 1);
  return underscored(name.substr(0, name.find(".ko")));
}

std::set<std::string> modules_in(const Tree& tree, const std::string& list) {
  std::set<std::string> names;
  for (const auto& line : lines_of(tree.text(list))) names.insert(module_of(line));
  return names;
}

std::string modules_folder(const Tree& tree) {
  return "/lib/modules/" + tree.text("/proc/sys/kernel/osrelease");
}

// One that is built in may be missing from there.
std::vector<std::string> not_in_sys(const Tree& tree, const std::vector<std::string>& modules) {
  std::vector<std::string> wanted;
  for (const auto& module : modules) {
    if (!tree.has("/sys/module/" + underscored(module))) wanted.push_back(module);
  }
  return wanted;
}

// Socket inode -> port, of the listening sockets among `ports`.
std::map<std::string, std::uint16_t> listening(const Tree& tree,
                                               const std::set<std::uint16_t>& ports) {
  std::map<std::string, std::uint16_t> sockets;
  for (const auto* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (const auto& line : lines_of(tree.text(table))) {
      const auto words = words_of(line);  // sl local remote state ... inode is the tenth
      if (words.size() < 10 || words[3] != "0A") continue;
      const auto port = static_cast<std::uint16_t>(
          number_of(words[1].substr(words[1].find_last_of(':') + 1), 16));
      if (ports.count(port) > 0) sockets["socket:[" + words[9] + "]"] = port;
    }
  }
  return sockets;
}

// A service with a /proc of its own is told by systemd, in 32 digits (units/muster-agent.service):
// in a container, that /proc has the outer machine's.
std::string boot_id_of(const Tree& tree) {
  const char* told = std::getenv("MUSTER_BOOT_ID");
  if (told == nullptr || std::string_view(told).size() != 32) {
    return tree.text("/proc/sys/kernel/random/boot_id");
  }
  std::string uuid = told;
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) uuid.insert(dash, 1, '-');
  return uuid;
}

// The server's own word for it (fleet/netboot).
std::string boot_image_in(const std::string& command_line) {
  constexpr std::string_view name = "muster.image=";
  for (const auto& word : words_of(command_line)) {
    if (word.starts_with(name)) return word.substr(name.size());
  }
  return {};
}

}  // namespace

Facts observe(const Filesystem& files, std::vector<NetworkInterface> interfaces,
              const std::string& root) {
  const Tree tree(files, root);
  Facts facts;
  facts.hostname = tree.text("/proc/sys/kernel/hostname");
  facts.machine_id = tree.text("/etc/machine-id");
  facts.boot_id = boot_id_of(tree);
  facts.boot_image = boot_image_in(tree.text("/proc/cmdline"));
  facts.uuid = tree.text("/sys/class/dmi/id/product_uuid");
  facts.serial = tree.text("/sys/class/dmi/id/product_serial");
  facts.cpus = count_cpus(tree.text("/sys/devices/system/cpu/online"));
  facts.memory_bytes = memory_of(tree.text("/proc/meminfo"));
  facts.swap_on = lines_of(tree.text("/proc/swaps")).size() > 1;
  if (tree.has("/run/systemd/resolve/resolv.conf")) {
    facts.resolv_conf = "/run/systemd/resolve/resolv.conf";
  }
  facts.interfaces = std::move(interfaces);
  observe_cgroups(tree, facts);
  return facts;
}

std::vector<std::string> missing_modules(const Filesystem& files,
                                         const std::vector<std::string>& modules,
                                         const std::string& root) {
  const Tree tree(files, root);
  const std::string folder = modules_folder(tree);
  // In a container the modules are the host's: nothing here says what is built in.
  if (!tree.has(folder)) return {};
  auto missing = not_in_sys(tree, modules);
  if (missing.empty()) return {};
  auto on_disk = modules_in(tree, folder + "/modules.builtin");
  on_disk.merge(modules_in(tree, folder + "/modules.dep"));
  std::erase_if(missing, [&](const auto& one) { return on_disk.count(underscored(one)) > 0; });
  return missing;
}

std::vector<std::string> unloaded_modules(const Filesystem& files,
                                          const std::vector<std::string>& modules,
                                          const std::string& root) {
  const Tree tree(files, root);
  auto unloaded = not_in_sys(tree, modules);
  if (unloaded.empty()) return {};
  const auto loadable = modules_in(tree, modules_folder(tree) + "/modules.dep");
  std::erase_if(unloaded, [&](const auto& one) { return loadable.count(underscored(one)) == 0; });
  return unloaded;
}

std::map<std::uint16_t, std::string> listeners_on(const Filesystem& files,
                                                  const std::vector<std::uint16_t>& ports,
                                                  const std::string& root) {
  const Tree tree(files, root);
  const auto sockets = listening(tree, std::set<std::uint16_t>(ports.begin(), ports.end()));
  std::map<std::uint16_t, std::string> holders;
  for (const auto& [socket, port] : sockets) holders[port] = "another process";
  if (sockets.empty()) return holders;
  for (const auto& pid : tree.list("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& descriptor : tree.list("/proc/" + pid + "/fd")) {
      const auto found = sockets.find(tree.link("/proc/" + pid + "/fd/" + descriptor));
      if (found == sockets.end()) continue;
      holders[found->second] =
          fmt::format("'{}' (process {})", tree.text("/proc/" + pid + "/comm"), pid);
    }
  }
  return holders;
}

bool is_listened_on(const Filesystem& files, std::uint16_t port) {
  return !listening(Tree(files, ""), {port}).empty();
}

}  // namespace muster
