#include "inventory/field_types.hpp"

#include <algorithm>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "inventory/go_values.hpp"

namespace muster {

namespace {

// "a=1,b=2", each value judged by `accepts`.
template <class Accepts>
bool are_pairs(std::string_view text, Accepts accepts) {
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos || !accepts(entry.substr(equals + 1)))
      return false;
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

}  // namespace

bool is_of_type(std::string_view text, std::string_view type) {
  if (type == "bool") return is_go_bool(text);
  if (type == "int") return is_go_integer(text, true);
  if (type == "uint") return is_go_integer(text, false);
  if (type == "float") return is_go_number(text);
  if (type == "duration") return is_go_duration(text);
  if (type == "ip") return is_address(text);
  if (type == "ports") return is_port_range(text);
  if (type == "gates") return are_pairs(text, is_go_bool);
  if (type == "pairs") return are_pairs(text, [](std::string_view) { return true; });
  return true;
}

std::string_view expected_of_type(std::string_view type) {
  if (type == "bool") return "true or false";
  if (type == "int") return "a whole number";
  if (type == "uint") return "a whole number of 0 or more";
  if (type == "float") return "a number";
  if (type == "duration") return "a duration such as 30s, 5m or 1h30m (24h for a day)";
  if (type == "ip") return "an IP address";
  if (type == "ports") return "ports such as 30000-32767";
  if (type == "gates") return "NAME=true or NAME=false, more after a comma";
  if (type == "pairs") return "KEY=VALUE, more after a comma";
  return "text";
}

}  // namespace muster
