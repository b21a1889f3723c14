#include "inventory/text_rules.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "document/time_text.hpp"
#include "inventory/go_values.hpp"

namespace muster {

namespace {

bool is_lower(char letter) {
  return letter >= 'a' && letter <= 'z';
}

bool is_hex(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'f') || (letter >= 'A' && letter <= 'F');
}

bool is_alnum(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

bool is_graphic(char letter) {
  return letter > 0x20 && letter < 0x7F;
}

template <class Predicate>
bool all_of(std::string_view text, Predicate predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

bool is_below(std::string_view path, std::initializer_list<std::string_view> folders) {
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
    return path == folder ||
           (path.substr(0, folder.size()) == folder && path[folder.size()] == '/');
  });
}

// Letters and digits, inside also those of `extra`.
bool is_word(std::string_view text, std::string_view extra, std::size_t maximum) {
  return !text.empty() && text.size() <= maximum && is_alnum(text.front()) &&
         is_alnum(text.back()) && all_of(text, [&](char letter) {
           return is_alnum(letter) || extra.find(letter) != std::string_view::npos;
         });
}

bool is_in_domain(std::string_view name, std::string_view domain) {
  return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

std::size_t count_digits(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  return static_cast<std::size_t>(end - text.begin());
}

}  // namespace

namespace rules {

// Digits and dots alone are an address or a mistake, never a name.
bool is_name_pattern(std::string_view text) {
  constexpr std::string_view end = "{index}";
  constexpr std::size_t longest = 58;  // five digits make it a DNS label of 63
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  if (text.empty() || text.size() > longest || (text.back() >= '0' && text.back() <= '9'))
    return false;
  return is_dns_label(std::string(text) + "0");
}

bool is_host(std::string_view text) {
  if (all_of(text, [](char letter) { return is_digit(letter) || letter == '.'; }))
    return is_ipv4(text);
  return is_dns_name(text);
}

bool is_network_between(std::string_view text, unsigned shortest, unsigned longest) {
  const auto network = parse_cidr(text);
  return network && network->prefix >= shortest && network->prefix <= longest;
}

bool is_kubernetes_version(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t length = count_digits(text);
    if (length == 0 || length > 4) return false;
    text.remove_prefix(length);
    if (++parts == 3) break;
    if (text.empty() || text.front() != '.') return false;
    text.remove_prefix(1);
  }
  return text.empty() ||
         ((text.front() == '-' || text.front() == '+') && is_word(text.substr(1), ".-", 32));
}

bool is_any_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool separator = at % 3 == 2;
    if (separator ? (text[at] != ':' && text[at] != '-') : !is_hex(text[at])) return false;
  }
  return true;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool separator = at == 8 || at == 13 || at == 18 || at == 23;
    if (separator ? text[at] != '-' : !is_hex(text[at])) return false;
  }
  return true;
}

bool is_lifetime(std::string_view text) {
  // Half of it must leave the agent's next poll and the five minutes within which Kubernetes' own
  // clients notice a new certificate; their open connections are judged by the old one.
  const auto duration = parse_duration(text);
  return duration && *duration >= std::chrono::minutes(12) &&
         *duration <= std::chrono::hours(24 * 825);
}

bool is_aws_account(std::string_view text) {
  return text.size() == 12 && all_of(text, is_digit);
}

bool is_aws_region(std::string_view text) {
  const std::size_t dash = text.rfind('-');
  if (dash == std::string_view::npos || dash < 3 || dash > 30) return false;
  const std::string_view number = text.substr(dash + 1), place = text.substr(0, dash);
  return number.size() <= 2 && all_of(number, is_digit) && place.front() != '-' &&
         all_of(place, [](char letter) { return is_lower(letter) || letter == '-'; });
}

bool is_aws_image(std::string_view text) {
  if (!text.starts_with("ami-")) return false;
  text.remove_prefix(4);
  return text.size() >= 8 && text.size() <= 17 && all_of(text, [](char letter) {
           return is_digit(letter) || (letter >= 'a' && letter <= 'f');
         });
}

bool is_instance_age(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration && *duration >= std::chrono::minutes(1) && *duration <= std::chrono::hours(24);
}

bool is_silence(std::string_view text) {
  // Some polls of a machine that is well, and a reboot, must fit in.
  const auto duration = parse_duration(text);
  return text == "never" || (duration && *duration >= std::chrono::minutes(5) &&
                             *duration <= std::chrono::hours(24 * 30));
}

bool is_registry(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.size() > 5 || !all_of(port, is_digit)) return false;
  }
  return is_host(text.substr(0, colon));
}

bool is_image(std::string_view text) {
  return text.size() <= 255 &&
         all_of(text,
                [](char letter) {
                  return is_alnum(letter) ||
                         std::string_view("./:_@-").find(letter) != std::string_view::npos;
                }) &&
         is_alnum(text.front());
}

bool is_flag_value(std::string_view text) {
  return text.empty() || is_kernel_argument(text);
}

// Of the names that belong to Kubernetes, kubelet may set only these at its registration: the
// others make it exit (kubernetes, pkg/apis/core "IsKubeletLabel") or are refused by
// NodeRestriction.
bool is_settable_label_key(std::string_view text) {
  if (!is_label_key(text)) return false;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view domain = text.substr(0, slash);
  if (!is_in_domain(domain, "kubernetes.io") && !is_in_domain(domain, "k8s.io")) return true;
  return is_in_domain(domain, "node.kubernetes.io") ||
         is_in_domain(domain, "kubelet.kubernetes.io") || text == "topology.kubernetes.io/zone" ||
         text == "topology.kubernetes.io/region";
}

bool is_file_path(std::string_view text) {
  return is_absolute_path(text) && !is_below(text, {"/etc/kubernetes", "/etc/muster", "/opt/muster",
                                                    "/var/lib/etcd", "/var/lib/muster"});
}

bool is_image_path(std::string_view text) {
  return is_absolute_path(text) && !is_below(text, {"/opt/muster", "/var/lib/muster"});
}

bool is_package_name(std::string_view text) {
  const auto is_lower = [](char letter) {
    return is_digit(letter) || (letter >= 'a' && letter <= 'z');
  };
  return text.size() >= 2 && text.size() <= 100 && is_lower(text.front()) &&
         all_of(text, [&](char letter) {
           return is_lower(letter) || letter == '-' || letter == '+' || letter == '.';
         });
}

bool is_inventory_path(std::string_view text) {
  return is_relative_path(text) && (text.ends_with(".yaml") || text.ends_with(".yml"));
}

bool is_sysctl(std::string_view text) {
  return is_word(text, "._-/", 128) && text.find("..") == std::string_view::npos;
}

bool is_eviction_signal(std::string_view text) {
  const auto known = {"memory.available",      "nodefs.available",      "nodefs.inodesFree",
                      "imagefs.available",     "imagefs.inodesFree",    "pid.available",
                      "containerfs.available", "containerfs.inodesFree"};
  return std::find(known.begin(), known.end(), text) != known.end();
}

bool is_threshold(std::string_view text) {
  return sign_of_quantity(text).has_value() || percentage(text).has_value();
}

bool is_wait_target(std::string_view text) {
  for (const std::string_view kind : {"deployment/", "daemonset/", "statefulset/"}) {
    if (text.substr(0, kind.size()) != kind) continue;
    const std::string_view rest = text.substr(kind.size());
    const std::size_t slash = rest.find('/');
    return slash != std::string_view::npos && is_dns_label(rest.substr(0, slash)) &&
           is_dns_name(rest.substr(slash + 1));
  }
  return false;
}

bool is_printable(std::string_view text) {
  return text.size() <= 255 &&
         all_of(text, [](char letter) { return letter == ' ' || is_graphic(letter); });
}

bool is_disk_serial(std::string_view text) {
  return is_printable(text) && text.size() <= 64 && text.front() != ' ' && text.back() != ' ';
}

bool is_disk_wwn(std::string_view text) {
  for (const std::string_view kind : {"0x", "naa.", "eui."}) {
    if (!text.starts_with(kind)) continue;
    const std::string_view digits = text.substr(kind.size());
    return (digits.size() == 16 || digits.size() == 32) &&
           digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  }
  return false;
}

bool is_disk_path(std::string_view text) {
  constexpr std::string_view folder = "/dev/disk/by-path/";
  if (!text.starts_with(folder)) return false;
  const std::string_view name = text.substr(folder.size());
  return is_printable(name) && name.size() <= 200 &&
         name.find_first_of(" /") == std::string_view::npos;
}

bool is_kernel_module(std::string_view text) {
  return is_word(text, "-_", 64);
}

}  // namespace rules
}  // namespace muster
