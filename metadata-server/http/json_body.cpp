#include "http/json_body.hpp"

#include <charconv>
#include <cmath>

#include "document/strict_json.hpp"

namespace muster {
namespace {

// JSON has numbers, and no integers: 857.0 is a whole one. From 2^53 on nobody knows which is
// meant.
void take_whole_numbers(nlohmann::json& value) {
  if (value.is_structured()) {
    for (auto& one : value) take_whole_numbers(one);
  }
  if (!value.is_number_float()) return;
  constexpr double first_unsure = 9007199254740992.0;
  const auto number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) >= first_unsure) return;
  if (number < 0) {
    value = static_cast<std::int64_t>(number);
  } else {
    value = static_cast<std::uint64_t>(number);
  }
}

}  // namespace

namespace detail {

Result<nlohmann::json> parse_body(std::string_view what, const Request& request) {
  if (request.body.empty()) return nlohmann::json::object();
  // The route's limit held the size already.
  auto json = parse_strict_json(what, request.body, {request.body.size(), 32});
  if (!json) return pass(json.error());
  take_whole_numbers(*json);
  return std::move(*json);
}

Result<void> refuse_problems(std::string_view what, const std::vector<Problem>& problems) {
  if (problems.empty()) return {};
  return pass(fail(what, problems).value());
}

}  // namespace detail

Response json_response(const nlohmann::json& value, int status) {
  return text_response(canonical_text(value), status);
}

Response text_response(std::string json, int status) {
  Response response;
  response.status = status;
  response.body = std::move(json);
  return response;
}

Result<std::string> query_text(const Request& request, const std::string& name, Need need) {
  const auto found = request.query.find(name);
  const std::string value = found == request.query.end() ? std::string() : found->second;
  if (!value.empty() || need == Need::optional) return value;
  return fail(
      ErrorKind::invalid, "invalid",
      fmt::format("query: expected '{}', found none; ask for {}?{}=...", name, request.path, name));
}

Result<std::uint64_t> query_number(const Request& request, const std::string& name,
                                   std::uint64_t fallback) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return fallback;
  std::uint64_t number = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  return fail(
      ErrorKind::invalid, "invalid",
      fmt::format("query '{}': expected a whole number, found {}", name, in_ticks(found->second)));
}

}  // namespace muster
