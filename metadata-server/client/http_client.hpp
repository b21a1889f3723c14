// The only door to the network for clients: blocking calls with one total deadline each, no
// redirects, size limits on every answer. With transport_error the only file whose .cpp includes
// httplib's client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "pki/tls_settings.hpp"
#include "result/result.hpp"

namespace muster {

struct HttpRequest {
  std::string method = "GET";
  std::string path;  // with query
  std::map<std::string, std::string> headers;
  std::string body;
  std::string content_type = "application/json";
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string peer_certificate_pem;  // https only
};

struct HttpClientSettings {
  std::string base_url;  // "http://h:p", "https://h:p" or "unix:/run/muster/admin.sock"
  TlsClientSettings tls;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds total_timeout{10000};  // one call, everything included
  std::chrono::milliseconds stall_timeout{0};      // no byte for so long ends it too; 0: none
  // Called on another thread at once and every five seconds of a call, until its time is over.
  std::function<void()> on_wait;
  std::size_t maximum_body = 8u << 20;
  // No server of ours sends chunks, and httplib 0.41 miscounts hostile chunk sizes: refused, but
  // for a server that is authenticated and sends them (kube-apiserver).
  bool accepts_chunks = false;
};

// How the bytes of a download are coded on their way (Content-Encoding).
enum class Coding { none, zstd };

struct Download {
  std::string path;
  std::uint64_t offset = 0;  // asks for the bytes from there on (Range)
  bool takes_zstd = false;   // asks for zstd; the answer may be plain all the same
  // Bytes as they come, still coded; false stops. First none at all: a good answer begins, and this
  // is its coding, whether or not bytes follow.
  std::function<bool(std::string_view bytes, Coding coding)> sink;
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientSettings settings);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // Any HTTP status is an answer. unavailable/timeout: no answer; unauthenticated: TLS refused the
  // peer (the message says which check). Also what a server says before it has the whole body, in
  // place of taking it: then the rest is not sent. Not thread-safe; keeps its connection between
  // calls. The program ignores SIGPIPE.
  [[nodiscard]] Result<HttpAnswer> send(const HttpRequest& request);
  // Streams a GET body to the sink (which stops it: conflict). The sink sees bytes of a 200 (offset
  // 0) or a 206 only; any other answer keeps its body (cut at 64 KiB), and a 200 to a ranged
  // request is returned without its body: start again at 0. invalid: a coding, or a part (206),
  // that was not asked for; the sink saw nothing of it. The deadline starts anew with every MiB
  // received, so that a slow line is served and a dripping one is not.
  [[nodiscard]] Result<HttpAnswer> download(const Download& wanted);
  // Streams a file as the body of a PUT, never held in memory; the deadline as in download.
  [[nodiscard]] Result<HttpAnswer> upload(const std::string& path, const std::string& file);

 private:
  struct Connection;
  struct Call;
  [[nodiscard]] Result<void> connect();
  void send_watching(Call& call, std::size_t size);
  [[nodiscard]] Result<HttpAnswer> perform(Call& call);
  HttpClientSettings settings_;
  std::unique_ptr<Connection> connection_;
};

// The server's error body {"kind","message","requestId"} as an Error; other bodies by status.
[[nodiscard]] Error error_of(const HttpAnswer& answer);

// Of a 429 or a 503: for how long its server would not be asked again (Retry-After), 1 s to 10 min.
// 0: it does not say.
[[nodiscard]] std::chrono::seconds retry_after(const HttpAnswer& answer);

}  // namespace muster
