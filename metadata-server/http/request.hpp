// What a handler is given and what it gives back. No socket, no TLS and no HTTP library is seen
// here. Values; a handler may run on any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pki/certificate.hpp"
#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

enum class ListenerKind : unsigned { boot = 1, enrol = 2, node = 4, admin = 8, scrape = 16 };
[[nodiscard]] std::string_view name(ListenerKind kind);

// Who is at the other end of a connection, as the transport proved it.
struct Peer {
  ListenerKind listener = ListenerKind::boot;
  std::string address;  // numeric, without port; empty on a unix socket
  std::optional<Certificate>
      certificate;                    // TLS listeners, when one was presented and its chain is ours
  std::string certificate_id;         // its fingerprint; empty without one
  std::optional<std::uint32_t> user;  // unix socket: the kernel's word for it
  std::vector<std::uint32_t> groups;  // likewise
};

// Where a body too large for memory goes as it arrives. Called on a worker, a piece
// at a time.
class BodySink {
 public:
  virtual ~BodySink() = default;
  [[nodiscard]] virtual Result<void> write(std::string_view bytes) = 0;
};

struct Request {
  std::string method;
  std::string path;                               // as sent, without the query
  std::map<std::string, std::string> parameters;  // of the route's pattern: ":node" -> "m1"
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case; never echo a value
  std::string body;
  std::shared_ptr<BodySink> sink;  // took the body, on routes that stream it; body is then empty
  Peer peer;
  std::string id;         // of this request, in logs and error bodies
  std::size_t route = 0;  // what admit() said

  // "" when it is not there.
  [[nodiscard]] const std::string& header(const std::string& header_name) const;
};

// A file streamed as the body, by byte range where the request has one; never held in memory.
struct FileBody {
  std::shared_ptr<FileDescriptor> descriptor;
  std::uint64_t size = 0;
  bool has_ranges = true;  // false: a range that is asked for is answered with the whole
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type = "application/json";
  std::string body;
  // In place of body: what is large and sent to many lies in memory once.
  std::shared_ptr<const std::string> shared_body;
  std::optional<FileBody> file;  // body is then ignored
};

}  // namespace muster
