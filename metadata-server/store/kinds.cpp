#include "store/kinds.hpp"

#include <fmt/format.h>

#include <charconv>

namespace muster::kinds {

std::string pair_key(std::string_view owner, std::string_view name) {
  return fmt::format("{}/{}", owner, name);
}

std::optional<std::pair<std::string, std::string>> parse_pair_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == key.size()) return std::nullopt;
  return std::pair{std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

std::string prefix_of(std::string_view owner) {
  return fmt::format("{}/", owner);
}

std::string revision_key(std::string_view cluster_name, std::uint64_t number) {
  return fmt::format("{}/{:012}", cluster_name, number);
}

std::optional<std::uint64_t> parse_number(std::string_view key) {
  const auto slash = key.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view digits = key.substr(slash + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::string secret_key(std::string_view cluster_name, std::string_view name,
                       std::uint64_t version) {
  return fmt::format("{}/{}/{:012}", cluster_name, name, version);
}

std::string secret_prefix(std::string_view cluster_name, std::string_view name) {
  return fmt::format("{}/{}/", cluster_name, name);
}

std::string audit_key(std::uint64_t unix_microseconds, std::string_view random) {
  return fmt::format("{:020}-{}", unix_microseconds, random);
}

std::string row_name(std::string_view kind, std::string_view key) {
  return fmt::format("{}|{}", kind, key);
}

}  // namespace muster::kinds
