#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "agent/effects/looks.hpp"
#include "agent/host/observe.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr const char* kernel_setter = "muster-kernel.service";
constexpr const char* name_setter = "muster-hostname.service";

// sysctl.d(5): the first separator says which of the two the path has.
std::string proc_path_of(std::string key) {
  const auto first = key.find_first_of("./");
  if (first != std::string::npos && key[first] == '.') {
    for (char& letter : key) {
      if (letter == '.' || letter == '/') letter = letter == '.' ? '/' : '.';
    }
  }
  return "/proc/sys/" + key;
}

// What the kernel makes of one word: numbers in any of C's notations, everything else as it is.
std::string value_of(const std::string& word) {
  const bool is_negative = word[0] == '-';
  std::string_view digits = std::string_view(word).substr(is_negative ? 1 : 0);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  std::uint64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return word;
  return fmt::format("{}{}", is_negative ? "-" : "", number);
}

bool is_same_value(const std::string& found, const std::string& wanted) {
  std::istringstream found_words(found), wanted_words(wanted);
  std::string one, other;
  for (;;) {
    const bool has_one = static_cast<bool>(found_words >> one);
    const bool has_other = static_cast<bool>(wanted_words >> other);
    if (!has_one || !has_other) return has_one == has_other;
    if (value_of(one) != value_of(other)) return false;
  }
}

// A line of sysctl.d, "KEY = VALUE", against what the kernel has; empty: it is so.
std::string sysctl_difference(const Filesystem& files, const std::string& line) {
  const auto equals = line.find(" = ");
  if (equals == std::string::npos) return {};
  const bool may_be_refused = line[0] == '-';
  const std::string key = line.substr(may_be_refused ? 1 : 0, equals - (may_be_refused ? 1 : 0));
  const std::string path = proc_path_of(key), wanted = line.substr(equals + 3);
  const auto status = files.status(path);
  const auto found = files.read(path, 1u << 16);
  if (found && is_same_value(*found, wanted)) return {};
  // The kernel lets nobody write what belongs to the machine around a container.
  const bool is_settable = status && (status->mode & 0222u) != 0;
  if (may_be_refused && !is_settable) return {};
  if (!found) return fmt::format("sysctl {}: not there, expected {}", key, wanted);
  return fmt::format("sysctl {}: {}, expected {}", key, found->substr(0, found->find('\n')),
                     wanted);
}

}  // namespace

void look_at_kernel(const Sight& sight, Effects& effects) {
  const auto* file = file_at(sight.desired, paths::kernel_sysctl);
  if (file == nullptr) return;
  std::vector<std::string> reasons;
  for (const auto& module : unloaded_modules(sight.host.files, sight.desired.kernel_modules)) {
    reasons.push_back(fmt::format("module {}: not loaded", module));
  }
  std::istringstream lines(file->content);
  for (std::string line; std::getline(lines, line);) {
    auto reason = sysctl_difference(sight.host.files, line);
    if (!reason.empty()) reasons.push_back(std::move(reason));
  }
  if (!reasons.empty()) effects.undone[kernel_setter] = std::move(reasons);
}

// As the server hands it out (fleet/netboot); what else is in there is the image's own.
void look_at_command_line(const Sight& sight, Effects& effects) {
  if (sight.desired.kernel_arguments.empty()) return;
  const auto line = sight.host.files.read("/proc/cmdline", 1u << 16);
  if (!line) return effects.tell("kernel", line.error().message);
  constexpr std::string_view image_word = "muster.image=";
  std::set<std::string> words;
  std::string runs = "none of the site";
  std::istringstream stream(*line);
  for (std::string word; stream >> word;) {
    if (word.starts_with(image_word)) runs = word.substr(image_word.size());
    words.insert(std::move(word));
  }
  std::vector<std::string> missing;
  for (const auto& argument : sight.desired.kernel_arguments) {
    if (words.contains(argument)) continue;
    missing.push_back(
        argument.starts_with(image_word)
            ? fmt::format("image {} (now {})", argument.substr(image_word.size()), runs)
            : argument);
  }
  if (!missing.empty())
    effects.next_boot.push_back("kernel: at its next boot: " + in_short(missing));
}

void look_at_host_name(const Sight& sight, Effects& effects) {
  const auto* file = file_at(sight.desired, paths::host_name);
  if (file == nullptr) return;
  const auto found = sight.host.files.read("/proc/sys/kernel/hostname", 256);
  if (!found || *found == file->content) return;
  effects.undone[name_setter].push_back(
      fmt::format("host name: {}, expected {}", found->substr(0, found->find('\n')),
                  file->content.substr(0, file->content.find('\n'))));
}

}  // namespace muster
