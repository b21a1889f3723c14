#include "http/error_response.hpp"

#include <spdlog/spdlog.h>

#include <random>

#include "document/strict_json.hpp"

namespace muster {

namespace {

// These must differ, not be secret: the generator for keys would cost more than a whole head.
std::uint64_t any_number() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return generator();
}

}  // namespace

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::exhausted:
      return 429;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::io:
    case ErrorKind::corrupt:
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

Response error_response(const Error& error, std::string_view request_id, Reason reason) {
  const int status = status_of(error.kind);
  if (status != 500) return error_response(status, name(error.kind), error.message, request_id);
  spdlog::error("request {}: {}: {}", request_id, name(error.kind), error.message);
  const std::string_view message =
      reason == Reason::told ? std::string_view(error.message)
                             : "the server failed; its log says why under this request's id";
  return error_response(status, name(error.kind), message, request_id);
}

Response error_response(int status, std::string_view kind, std::string_view message,
                        std::string_view request_id) {
  Response response;
  response.status = status;
  response.body = canonical_text({{"kind", kind}, {"message", message}, {"requestId", request_id}});
  // Spread, so that those who are turned away together do not come back together.
  if (status == 429 || status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(5 + any_number() % 11));
  }
  return response;
}

std::string make_request_id() {
  return fmt::format("{:016x}", any_number());
}

}  // namespace muster
