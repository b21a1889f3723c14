#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "client/http_client.hpp"

namespace muster {
namespace {

ErrorKind kind_of(int status) {
  switch (status) {
    case 400:
    case 411:
    case 413:
    case 414:
    case 416:
    case 431:
      return ErrorKind::invalid;
    case 401:
      return ErrorKind::unauthenticated;
    case 403:
      return ErrorKind::forbidden;
    case 404:
    case 405:
      return ErrorKind::not_found;
    case 409:
      return ErrorKind::conflict;
    case 429:
      return ErrorKind::exhausted;
    case 502:
    case 503:
      return ErrorKind::unavailable;
    case 408:
    case 504:
      return ErrorKind::timeout;
    default:
      return ErrorKind::internal;
  }
}

std::string text_of(const nlohmann::json& body, const char* field) {
  const auto found = body.find(field);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Error error_of(const HttpAnswer& answer) {
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  Error error{kind_of(answer.status), body.is_object() ? text_of(body, "message") : std::string()};
  if (error.message.empty()) {
    error.message = fmt::format("the server answered {} without a reason", answer.status);
    return error;
  }
  // The server's own word for it, finer than the status.
  if (const std::string code = text_of(body, "kind"); !code.empty()) error.code = code;
  const std::string request = text_of(body, "requestId");
  if (!request.empty()) error.message += fmt::format(" (request {})", request);
  return error;
}

std::chrono::seconds retry_after(const HttpAnswer& answer) {
  const auto found = answer.headers.find("retry-after");
  const bool is_for_now = answer.status == 429 || answer.status == 503;
  if (!is_for_now || found == answer.headers.end()) return std::chrono::seconds(0);
  std::uint64_t seconds = 0;
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, seconds);
  // Its other form, a date, would be by the clock of whoever sent it.
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) return std::chrono::seconds(0);
  constexpr std::uint64_t least = 1, most = 600;
  if (parsed.ec == std::errc::result_out_of_range) seconds = most;
  return std::chrono::seconds(std::clamp(seconds, least, most));
}

}  // namespace muster
