#include "inventory/text_rules.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "inventory/ipv4.hpp"

namespace muster {

namespace {

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
bool is_lower(char letter) {
  return letter >= 'a' && letter <= 'z';
}
bool is_letter(char letter) {
  return is_lower(letter) || (letter >= 'A' && letter <= 'Z');
}
bool is_alnum(char letter) {
  return is_digit(letter) || is_letter(letter);
}
bool is_lower_alnum(char letter) {
  return is_digit(letter) || is_lower(letter);
}
bool is_hex(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'f') || (letter >= 'A' && letter <= 'F');
}

bool is_graphic(char letter) {
  return letter > 0x20 && letter < 0x7F;
}

template <class Predicate>
bool all_of(std::string_view text, Predicate predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_in_domain(std::string_view name, std::string_view domain) {
  return name == domain ||
         (ends_with(name, domain) && name[name.size() - domain.size() - 1] == '.');
}

bool is_absolute_path(std::string_view text) {
  if (text.size() < 2 || text.size() > 4095 || text.front() != '/') return false;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view part = text.substr(0, text.find('/'));
    if (part.empty() || part == "." || part == ".." || !all_of(part, is_graphic)) return false;
    text.remove_prefix(part.size());
  }
  return true;
}

}  // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.size() < 2 || text.front() == '0') return {};
  long count = 0;
  const char* last = text.data() + text.size() - 1;
  const auto read = std::from_chars(text.data(), last, count);
  if (read.ec != std::errc() || read.ptr != last || count <= 0 || count > 1'000'000'000) return {};
  switch (*last) {
    case 's':
      return std::chrono::seconds(count);
    case 'm':
      return std::chrono::minutes(count);
    case 'h':
      return std::chrono::hours(count);
    case 'd':
      return std::chrono::hours(24 * count);
    default:
      return {};
  }
}

namespace rules {

bool is_word(std::string_view text, std::string_view extra, std::size_t maximum, bool lower_only) {
  const auto outer = lower_only ? is_lower_alnum : is_alnum;
  if (text.empty() || text.size() > maximum || !outer(text.front()) || !outer(text.back()))
    return false;
  return std::all_of(text.begin(), text.end(), [&](char letter) {
    return outer(letter) || extra.find(letter) != std::string_view::npos;
  });
}

bool is_dns_label(std::string_view text) {
  return is_word(text, "-", 63, true);
}

bool is_dns_name(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Digits and dots alone are an address or a mistake, never a name.
bool is_host(std::string_view text) {
  if (all_of(text, [](char letter) { return is_digit(letter) || letter == '.'; }))
    return parse_ipv4(text).has_value();
  return is_dns_name(text);
}

bool is_network_between(std::string_view text, int shortest, int longest) {
  const auto network = parse_network(text);
  return network && network->prefix >= shortest && network->prefix <= longest;
}

bool is_kubernetes_version(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t length =
        std::min(static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                          text.begin()),
                 text.size());
    if (length == 0 || length > 4) return false;
    text.remove_prefix(length);
    if (++parts == 3) break;
    if (text.empty() || text.front() != '.') return false;
    text.remove_prefix(1);
  }
  return text.empty() ||
         ((text.front() == '-' || text.front() == '+') && is_word(text.substr(1), ".-", 32, false));
}

bool is_mac(std::string_view text) {
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
  const auto duration = parse_duration(text);
  return duration && *duration >= std::chrono::minutes(2) &&
         *duration <= std::chrono::hours(24 * 825);
}

bool is_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.substr(0, scheme.size()) != scheme) continue;
    const std::string_view rest = text.substr(scheme.size());
    return !rest.empty() && rest.front() != '/' && all_of(rest, [](char letter) {
      return is_graphic(letter) && letter != '"' && letter != '\\';
    });
  }
  return false;
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
  return text.size() <= 4096 && all_of(text, [](char letter) {
           return is_graphic(letter) &&
                  std::string_view("\"'\\$").find(letter) == std::string_view::npos;
         });
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_word(text, "-_.", 63, false);
  return is_dns_name(text.substr(0, slash)) && is_word(text.substr(slash + 1), "-_.", 63, false);
}

// Of the names that belong to Kubernetes, kubelet may set only these at its registration: the
// others make it exit (kubernetes, pkg/apis/core "IsKubeletLabel") or are refused by
// NodeRestriction.
bool is_label_key(std::string_view text) {
  if (!is_qualified_name(text)) return false;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view domain = text.substr(0, slash);
  if (!is_in_domain(domain, "kubernetes.io") && !is_in_domain(domain, "k8s.io")) return true;
  return is_in_domain(domain, "node.kubernetes.io") ||
         is_in_domain(domain, "kubelet.kubernetes.io") || text == "topology.kubernetes.io/zone" ||
         text == "topology.kubernetes.io/region";
}

bool is_file_path(std::string_view text) {
  if (!is_absolute_path(text)) return false;
  for (const std::string_view ours :
       {"/etc/kubernetes", "/etc/muster", "/opt/muster", "/var/lib/etcd", "/var/lib/muster"}) {
    if (text == ours || (text.substr(0, ours.size()) == ours && text[ours.size()] == '/'))
      return false;
  }
  return true;
}

bool is_inventory_path(std::string_view text) {
  return !text.empty() && is_absolute_path("/" + std::string(text)) &&
         (ends_with(text, ".yaml") || ends_with(text, ".yml"));
}

// Set-uid, set-gid and sticky bits are nothing a file of the inventory needs.
bool is_mode(std::string_view text) {
  return text.size() == 4 && text.front() == '0' &&
         all_of(text.substr(1), [](char letter) { return letter >= '0' && letter <= '7'; });
}

bool is_account(std::string_view text) {
  return text.size() <= 32 && !text.empty() && (is_lower(text.front()) || text.front() == '_') &&
         all_of(text, [](char letter) {
           return is_lower_alnum(letter) || letter == '_' || letter == '-';
         });
}

bool is_sysctl(std::string_view text) {
  return text.size() <= 128 && is_word(text, "._-/", 128, false) &&
         text.find("..") == std::string_view::npos;
}

bool is_eviction_signal(std::string_view text) {
  const auto known = {"memory.available",      "nodefs.available",      "nodefs.inodesFree",
                      "imagefs.available",     "imagefs.inodesFree",    "pid.available",
                      "containerfs.available", "containerfs.inodesFree"};
  return std::find(known.begin(), known.end(), text) != known.end();
}

bool is_threshold(std::string_view text) {
  const std::size_t digits = std::min(
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin()),
      text.size());
  if (digits == 0 || digits > 15) return false;
  const auto units = {"", "%", "Ki", "Mi", "Gi", "Ti", "k", "M", "G", "T"};
  return std::find(units.begin(), units.end(), text.substr(digits)) != units.end();
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

}  // namespace rules
}  // namespace muster
