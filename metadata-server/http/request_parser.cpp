#include "http/request_parser.hpp"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <time.h>

#include <algorithm>

#include "document/field_syntax.hpp"
#include "http/content_encoding.hpp"
#include "http/error_response.hpp"

namespace muster {
namespace {

// httplib reads the head from here and writes the answer to here; it never sees a socket.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view input) : input_(input) {}
  bool is_readable() const override { return !input_.empty(); }
  bool wait_readable() const override { return !input_.empty(); }
  bool wait_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override {
    if (size == 1 && !input_.empty()) {  // how httplib reads a head
      *data = input_.front();
      input_.remove_prefix(1);
      return 1;
    }
    const std::size_t count = std::min(size, input_.size());
    input_.copy(data, count);
    input_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* data, std::size_t size) override {
    output.append(data, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  time_t duration() const override { return 0; }

  std::string output;

 private:
  std::string_view input_;
};

bool is_odd_range(std::string_view line) {
  constexpr std::string_view name = "range:";
  if (line.size() < name.size() || (line[0] | 0x20) != 'r') return false;
  if (lower_case(line.substr(0, name.size())) != name) return false;
  const auto first = line.find_first_not_of(" \t", name.size());
  if (first == std::string_view::npos) return true;
  return !is_byte_range(line.substr(first, line.find_last_not_of(" \t") - first + 1));
}

// Where httplib does not understand a Range it refuses the request, without the size that a 416
// has; RFC 9110 14.2 has it ignored.
std::string without_odd_ranges(std::string_view head) {
  std::string kept;
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, std::min(end + 2, head.size()));
    if (!is_odd_range(line.substr(0, end))) kept += line;
    head.remove_prefix(line.size());
  }
  return kept;
}

}  // namespace

class RequestParser::Impl : public httplib::Server {
 public:
  explicit Impl(std::chrono::seconds idle_time) {
    set_keep_alive_timeout(idle_time.count());
    // Our routes are a table of our own: httplib's are regular expressions.
    set_pre_routing_handler([this](const httplib::Request& parsed, httplib::Response& out) {
      respond(parsed, out);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([this](const httplib::Request& parsed, httplib::Response& out) {
      note_range(parsed, out);
    });
  }

  WireAnswer run(std::string_view head, Request request, bool keep_alive, const Answer& answer) {
    request_ = std::move(request);
    answer_ = &answer;
    wire_ = {};
    size_ = 0;
    const std::string kept = without_odd_ranges(head);
    MemoryStream stream(kept);
    bool closed = false;
    const bool written =
        process_request(stream, "", 0, "", 0, !keep_alive, closed, [](httplib::Request& r) {
          // The body was read by the event front, which has also answered Expect.
          r.body_consumed_ = true;
          r.headers.erase("Expect");
        });
    WireAnswer wire = std::move(wire_);
    request_ = {};
    // The handler's body waits in `bytes`; httplib wrote the head, or the head and a body.
    wire.bytes.insert(0, stream.output);
    // Below 400 httplib leaves the connection open, above it says "Connection: close".
    wire.keep_alive = (written || wire.file) && keep_alive && !closed && wire.status < 400;
    return wire;
  }

 private:
  void respond(const httplib::Request& parsed, httplib::Response& out) {
    Response response = ask(parsed);
    out.status = response.status;
    for (const auto& [name, value] : response.headers) out.set_header(name, value);
    out.set_header("Date", http_date());
    size_ = response.file ? response.file->size : response.body.size();
    if (!response.file) return respond_from_memory(parsed, response, out);
    if (size_ == 0) return;
    // What httplib hands to its hooks is an object of its own that is not const.
    auto& ranges = const_cast<httplib::Request&>(parsed).ranges;
    if (!takes_range(parsed, *response.file, out)) ranges.clear();
    // The last so many bytes of fewer are all of them (RFC 9110 14.1.2).
    for (auto& [first, last] : ranges) {
      if (first == -1) last = std::min<ssize_t>(last, static_cast<ssize_t>(size_));
    }
    // httplib counts the ranges and writes the head; the event front then streams the bytes.
    out.status = parsed.ranges.empty() ? 200 : 206;
    out.set_header("Accept-Ranges", response.file->has_ranges ? "bytes" : "none");
    out.set_content_provider(response.file->size, response.content_type,
                             [](std::size_t, std::size_t, httplib::DataSink&) { return false; });
    if (parsed.method == "HEAD") return;
    wire_.file = response.file->descriptor;
    wire_.length = response.file->size;
  }

  // RFC 9110 13.1.5: a range is only of what the client has a part of already.
  static bool takes_range(const httplib::Request& parsed, const FileBody& file,
                          const httplib::Response& out) {
    if (!file.has_ranges) return false;
    return !parsed.has_header("If-Range") ||
           parsed.get_header_value("If-Range") == out.get_header_value("ETag");
  }

  // The body does not go through httplib, which would copy it twice; it would do so only to refuse
  // ranges that make no sense.
  void respond_from_memory(const httplib::Request& parsed, Response& response,
                           httplib::Response& out) {
    if (response.body.empty()) return;
    if (!parsed.ranges.empty()) return out.set_content(response.body, response.content_type);
    out.set_header("Content-Type", response.content_type);
    out.set_header("Content-Length", std::to_string(response.body.size()));
    if (parsed.method != "HEAD") wire_.bytes = std::move(response.body);
  }

  Response ask(const httplib::Request& parsed) {
    for (const auto& [name, value] : parsed.headers) {
      std::string& known = request_.headers[lower_case(name)];
      known += (known.empty() ? "" : ", ") + value;  // RFC 9110 5.3
    }
    for (const auto& [name, value] : parsed.params) {
      if (request_.query.emplace(name, value).second) continue;
      return error_response({ErrorKind::invalid, "query: a parameter is given twice"}, request_.id);
    }
    try {
      return (*answer_)(request_);
    } catch (const std::exception& e) {
      spdlog::error("request {}: a handler threw: {}", request_.id, e.what());
    } catch (...) {
      spdlog::error("request {}: a handler threw", request_.id);
    }
    return error_response(
        {ErrorKind::internal, "internal error; look for this request in the server's log"},
        request_.id);
  }

  // Runs when httplib has settled status and ranges, before it writes.
  void note_range(const httplib::Request& parsed, httplib::Response& out) {
    wire_.status = out.status;
    if (out.status == 416 && size_ > 0)
      out.set_header("Content-Range", fmt::format("bytes */{}", size_));
    if (out.status >= 300) wire_.file = nullptr;
    if (!wire_.file || out.status != 206 || parsed.ranges.size() != 1) return;
    wire_.offset = static_cast<std::uint64_t>(parsed.ranges[0].first);
    wire_.length = static_cast<std::uint64_t>(parsed.ranges[0].second) - wire_.offset + 1;
  }

  Request request_;
  const Answer* answer_ = nullptr;
  WireAnswer wire_;
  std::uint64_t size_ = 0;  // of what is answered, before ranges
};

RequestParser::RequestParser(std::chrono::seconds idle_time)
    : impl_(std::make_unique<Impl>(idle_time)) {}
RequestParser::~RequestParser() = default;

WireAnswer RequestParser::run(std::string_view head, Request request, bool keep_alive,
                              const Answer& answer) {
  return impl_->run(head, std::move(request), keep_alive, answer);
}

WireAnswer write_refusal(const Response& response) {
  WireAnswer wire;
  wire.status = response.status;
  wire.bytes = fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {}\r\nConnection: close\r\nContent-Type: {}\r\n"
      "Content-Length: {}\r\n",
      response.status, httplib::status_message(response.status), http_date(), response.content_type,
      response.body.size());
  for (const auto& [name, value] : response.headers)
    wire.bytes += fmt::format("{}: {}\r\n", name, value);
  wire.bytes += "\r\n" + response.body;
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
