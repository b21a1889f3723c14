#include "inventory/field_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "inventory/go_values.hpp"
#include "inventory/suggest.hpp"

namespace muster {

namespace {

// "a=1,b=2", each value judged by `accepts`.
template <class Accepts>
bool are_pairs(std::string_view text, Accepts accepts) {
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || !accepts(entry.substr(equals + 1))) return false;
    if (entry.size() == text.size()) break;
    text.remove_prefix(entry.size() + 1);
  }
  return true;
}

bool is_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return is_ipv4(text);
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return std::string_view("0123456789abcdefABCDEF:.").find(letter) != std::string_view::npos;
  });
}

std::vector<std::string_view> entries_of(std::string_view list) {
  std::vector<std::string_view> entries;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    entries.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return entries;
}

std::vector<std::string_view> names_of(const std::vector<std::string>& choices) {
  std::vector<std::string_view> names;
  for (const std::string& choice : choices) {
    const std::string_view name = std::string_view(choice).substr(0, choice.find('='));
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

// Some lists have hundreds.
std::string some_of(const std::vector<std::string>& choices) {
  constexpr std::size_t most = 12;
  const auto names = names_of(choices);
  if (names.size() > most) return {};
  return fmt::format(": {}", fmt::join(names, ", "));
}

// As etcd takes them: SCHEME://HOST:PORT, with commas.
bool are_urls(std::string_view text) {
  const auto entries = entries_of(text);
  return !entries.empty() &&
         std::all_of(entries.begin(), entries.end(), [](std::string_view entry) {
           const std::size_t scheme = entry.find("://");
           if (scheme == std::string_view::npos) return false;
           const std::string_view name = entry.substr(0, scheme), rest = entry.substr(scheme + 3);
           if (name == "unix" || name == "unixs") return true;
           return (name == "http" || name == "https") && rest.find(':') != std::string_view::npos &&
                  rest.find('/') == std::string_view::npos;
         });
}

std::optional<Mismatch> choice_mismatch(std::string_view text, const FlagType& flag) {
  const auto& known = flag.choices;
  if (known.empty()) return std::nullopt;
  if (std::find(known.begin(), known.end(), text) != known.end()) return std::nullopt;
  return Mismatch{
      fmt::format("{}{}", flag.type == "choice" ? "one of what it knows" : "what it knows",
                  some_of(known)),
      std::string(text), did_you_mean(text, names_of(known))};
}

std::optional<Mismatch> list_mismatch(std::string_view text, const FlagType& flag) {
  if (text.empty()) return choice_mismatch(text, flag);
  const bool has_empty =
      text.starts_with(',') || text.ends_with(',') || text.find(",,") != std::string_view::npos;
  if (has_empty && !flag.choices.empty())
    return Mismatch{"a list without empty entries", std::string(text)};
  for (const std::string_view entry : entries_of(text)) {
    if (auto mismatch = choice_mismatch(entry, flag)) return mismatch;
  }
  return std::nullopt;
}

std::optional<Mismatch> gates_mismatch(std::string_view text, const FlagType& flag) {
  if (flag.choices.empty()) return std::nullopt;
  for (std::string_view entry : entries_of(text)) {
    if (entry.starts_with("kube:")) entry.remove_prefix(5);
    const std::size_t equals = entry.find('=');
    const char first = entry[equals + 1];
    const bool value = first == '1' || first == 't' || first == 'T';
    if (auto mismatch = mismatch_of_gate(entry.substr(0, equals), value, flag)) return mismatch;
  }
  return std::nullopt;
}

// Nothing where it is no number of this machine's.
std::optional<std::int64_t> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_decimal = read.ec == std::errc() && read.ptr == text.data() + text.size() &&
                          (text.size() < 2 || text.front() != '0');
  return is_decimal ? std::optional(number) : std::nullopt;
}

std::optional<Mismatch> number_mismatch(std::string_view text, const FlagType& flag) {
  const auto number = number_of(text);
  const bool is_below = number && flag.from && *number < *flag.from;
  const bool is_above = number && flag.to && *number > *flag.to;
  if (!is_below && !is_above) return std::nullopt;
  const bool has_both = flag.from && flag.to;
  return Mismatch{has_both    ? fmt::format("a whole number from {} to {}", *flag.from, *flag.to)
                  : flag.from ? fmt::format("a whole number of {} or more", *flag.from)
                              : fmt::format("a whole number of at most {}", *flag.to),
                  std::string(text)};
}

std::optional<Mismatch> duration_mismatch(std::string_view text, const FlagType& flag) {
  if (!flag.from) return std::nullopt;
  const bool is_zero = text.find_first_of("123456789") == std::string_view::npos;
  const bool is_negative = text.starts_with('-') && !is_zero;
  if (!is_negative && (!is_zero || *flag.from == 0)) return std::nullopt;
  return Mismatch{*flag.from == 0 ? "a duration of 0 or more" : "a duration above 0",
                  std::string(text)};
}

}  // namespace

std::optional<Mismatch> mismatch_of_gate(std::string_view name, bool value, const FlagType& gates) {
  for (const std::string& gate : gates.choices) {
    if (std::string_view(gate).substr(0, gate.find('=')) != name) continue;
    const std::string wanted = fmt::format("{}={}", name, value);
    if (gate == name || gate == wanted) return std::nullopt;
    return Mismatch{fmt::format("{}, which is settled in this version", gate), wanted,
                    "leave it out"};
  }
  return Mismatch{"a feature gate of this version", std::string(name),
                  did_you_mean(name, names_of(gates.choices))};
}

std::optional<Mismatch> mismatch_of(std::string_view text, const FlagType& flag) {
  const bool is_other =
      (flag.type == "ip" || flag.type == "ports" || flag.type == "urls") &&
      std::find(flag.choices.begin(), flag.choices.end(), text) != flag.choices.end();
  if (is_other) return std::nullopt;
  if (!is_of_type(text, flag.type))
    return Mismatch{std::string(expected_of_type(flag.type)), std::string(text)};
  if (flag.type == "choice") return choice_mismatch(text, flag);
  if (flag.type == "list") return list_mismatch(text, flag);
  if (flag.type == "gates") return gates_mismatch(text, flag);
  if (flag.type == "int" || flag.type == "uint" || flag.type == "decimal")
    return number_mismatch(text, flag);
  if (flag.type == "duration") return duration_mismatch(text, flag);
  return std::nullopt;
}

bool is_of_type(std::string_view text, std::string_view type) {
  if (type == "bool") return is_go_bool(text);
  if (type == "int") return is_go_integer(text, true);
  if (type == "uint") return is_go_integer(text, false);
  if (type == "decimal")
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (type == "float") return is_go_number(text);
  if (type == "duration") return is_go_duration(text);
  if (type == "ip") return is_address(text);
  if (type == "ports") return is_port_range(text);
  if (type == "urls") return are_urls(text);
  if (type == "gates") return are_pairs(text, is_go_bool);
  if (type == "pairs") return are_pairs(text, [](std::string_view) { return true; });
  return true;
}

std::string_view expected_of_type(std::string_view type) {
  if (type == "bool") return "true or false";
  if (type == "int") return "a whole number";
  if (type == "uint" || type == "decimal") return "a whole number of 0 or more";
  if (type == "float") return "a number";
  if (type == "duration") return "a duration such as 30s, 5m or 1h30m (24h for a day)";
  if (type == "ip") return "an IP address";
  if (type == "ports") return "ports such as 30000-32767";
  if (type == "gates") return "NAME=true or NAME=false, more after a comma";
  if (type == "urls") return "URLs such as https://10.0.0.5:8080, more after a comma";
  if (type == "pairs") return "KEY=VALUE, more after a comma";
  return "text";
}

}  // namespace muster
