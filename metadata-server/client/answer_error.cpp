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

}  // namespace muster
