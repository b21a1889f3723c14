#include "http/wire_answer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <time.h>

#include <array>
#include <utility>

#include "http/byte_range.hpp"
#include "http/error_response.hpp"

namespace muster {
namespace {

// RFC 9110 15, those that are answered here.
std::string_view reason_of(int status) {
  constexpr std::array<std::pair<int, std::string_view>, 26> reasons{{
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  for (const auto& [known, reason] : reasons)
    if (known == status) return reason;
  return {};
}

Response ask(const Request& request, const Answer& answer) {
  try {
    return answer(request);
  } catch (const std::exception& e) {
    spdlog::error("request {}: a handler threw: {}", request.id, e.what());
  } catch (...) {
    spdlog::error("request {}: a handler threw", request.id);
  }
  return error_response(
      {ErrorKind::internal, "internal error; look for this request in the server's log"},
      request.id);
}

std::string status_line(int status) {
  return fmt::format("HTTP/1.1 {} {}\r\n", status, reason_of(status));
}

void add(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string_view value_of(const Response& response, std::string_view name) {
  for (const auto& [known, value] : response.headers)
    if (known == name) return value;
  return {};
}

// RFC 9110 13.1.5: a range is only of what the client has a part of already.
bool takes_range(const Request& request, const Response& response) {
  if (request.method != "GET" || !response.file->has_ranges) return false;
  const std::string& condition = request.header("if-range");
  return condition.empty() || condition == value_of(response, "ETag");
}

// Which part of the file is sent, and what the head says of it.
std::uint64_t choose_part(const Request& request, const Response& response, WireAnswer& wire,
                          std::string& headers) {
  const FileBody& file = *response.file;
  add(headers, "Accept-Ranges", file.has_ranges ? "bytes" : "none");
  ByteRange part{0, file.size};
  if (takes_range(request, response)) {
    const auto range = select_range(request.header("range"), file.size);
    if (range && range->length == 0) {
      wire.status = 416;
      add(headers, "Content-Range", fmt::format("bytes */{}", file.size));
      return 0;
    }
    if (range) {
      part = *range;
      wire.status = 206;
      add(headers, "Content-Range",
          fmt::format("bytes {}-{}/{}", part.offset, part.offset + part.length - 1, file.size));
    }
  }
  if (request.method == "HEAD" || part.length == 0) return part.length;
  wire.file = file.descriptor;
  wire.offset = part.offset;
  wire.length = part.length;
  return part.length;
}

}  // namespace

WireAnswer run(const Request& request, bool keep_alive, std::chrono::seconds idle_time,
               const Answer& answer) {
  const Response response = ask(request, answer);
  const std::string& body = response.shared_body ? *response.shared_body : response.body;
  WireAnswer wire;
  wire.status = response.status;
  std::string headers;
  for (const auto& [name, value] : response.headers) add(headers, name, value);
  const bool has_file = response.file && response.file->size > 0;
  const std::uint64_t length =
      has_file ? choose_part(request, response, wire, headers) : body.size();
  const bool is_body_of_memory = !response.file && !body.empty();
  // RFC 9110 8.6: neither has a body. An empty one has a type.
  if (wire.status != 204 && wire.status != 304) {
    add(headers, "Content-Type", response.content_type);
    add(headers, "Content-Length", fmt::to_string(response.file && !has_file ? 0 : length));
  }
  wire.keep_alive = keep_alive && wire.status < 400;
  if (wire.keep_alive)
    add(headers, "Keep-Alive", fmt::format("timeout={}", idle_time.count()));
  else
    add(headers, "Connection", "close");
  wire.bytes = status_line(wire.status);
  add(wire.bytes, "Date", http_date());
  wire.bytes += headers + "\r\n";
  if (!is_body_of_memory || request.method == "HEAD") return wire;
  if (response.shared_body)
    wire.shared = response.shared_body;
  else
    wire.bytes += body;
  return wire;
}

WireAnswer write_refusal(const Response& response, std::string_view method) {
  WireAnswer wire;
  wire.status = response.status;
  wire.bytes = status_line(response.status);
  add(wire.bytes, "Date", http_date());
  add(wire.bytes, "Connection", "close");
  add(wire.bytes, "Content-Type", response.content_type);
  add(wire.bytes, "Content-Length", fmt::to_string(response.body.size()));
  for (const auto& [name, value] : response.headers) add(wire.bytes, name, value);
  wire.bytes += "\r\n";
  if (method != "HEAD") wire.bytes += response.body;
  return wire;
}

std::string http_date() {
  thread_local time_t written = -1;
  thread_local std::string text;
  const time_t now = time(nullptr);
  if (now == written) return text;
  struct tm parts {};
  gmtime_r(&now, &parts);
  char buffer[40];
  text.assign(buffer, strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts));
  written = now;
  return text;
}

}  // namespace muster
