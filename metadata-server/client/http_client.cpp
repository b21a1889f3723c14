#include "client/http_client.hpp"

#include <httplib.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "client/base_url.hpp"
#include "client/deadline_guard.hpp"
#include "client/early_answer.hpp"
#include "client/tls_adoption.hpp"
#include "client/transport_error.hpp"
#include "document/field_syntax.hpp"
#include "document/problem.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_error_body = 64u << 10;
constexpr std::size_t progress_step = 1u << 20;
constexpr std::size_t body_step = 32u << 10;

HttpAnswer to_answer(httplib::Response& response) {
  HttpAnswer answer;
  answer.status = response.status;
  for (const auto& [name, value] : response.headers) answer.headers[lower_case(name)] = value;
  return answer;
}

}  // namespace

// What one call sends besides method, path and headers, and where the bytes of a good answer go.
struct HttpClient::Call {
  httplib::Request request;
  // Looks at the answer's head: whether its body goes to the sink, or is kept; an error refuses the
  // answer. Empty: kept.
  std::function<Result<bool>(const httplib::Response&)> opens;
  std::function<bool(std::string_view)> sink;
  bool extends = false;  // progress moves the deadline
  // Of a body: its next bytes, none at its end. Looked at between two of them: an answer that is
  // there before the body's end.
  std::function<std::string_view(std::size_t offset, std::size_t left)> next;
  std::optional<HttpAnswer> early;
};

struct HttpClient::Connection {
  std::unique_ptr<httplib::ClientImpl> client;
  DeadlineGuard* guard = nullptr;  // of the call in progress
  std::string tls_failure;
  std::string peer_certificate_pem;
  SSL* session = nullptr;  // the library's, while it is connected
};

HttpClient::HttpClient(HttpClientSettings settings) : settings_(std::move(settings)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<void> HttpClient::connect() {
  if (connection_) return {};
  auto url = parse_base_url(settings_.base_url);
  if (!url) return pass(url.error());
  auto connection = std::make_unique<Connection>();
  if (url->scheme == BaseUrl::Scheme::https) {
    auto tls = make_client_context(settings_.tls);
    if (!tls)
      return while_doing(tls.error(), fmt::format("TLS settings for {}", settings_.base_url));
    auto client = std::make_unique<httplib::SSLClient>(url->host, url->port);
    if (!client->is_valid())
      return fail(ErrorKind::internal, "the TLS library made no client context");
    // A non-empty CA text keeps httplib from adding the system's authorities to ours.
    client->load_ca_cert_store("\n", 1);
    adopt_tls_settings(static_cast<SSL_CTX*>(client->tls_context()), tls->get(), settings_.tls,
                       url->host, connection->tls_failure);
    client->enable_server_certificate_verification(settings_.tls.verify_server);
    client->enable_server_hostname_verification(settings_.tls.verify_server);
    client->set_session_verifier([raw = connection.get()](httplib::tls::session_t session) {
      raw->session = static_cast<SSL*>(session);
      X509* peer = SSL_get1_peer_certificate(raw->session);
      if (peer != nullptr) raw->peer_certificate_pem = Certificate::from_native(peer).pem();
      X509_free(peer);
      return httplib::SSLVerifierResponse::NoDecisionMade;
    });
    connection->client = std::move(client);
  } else {
    connection->client = std::make_unique<httplib::ClientImpl>(url->host, url->port);
    if (url->scheme == BaseUrl::Scheme::unix_socket)
      connection->client->set_address_family(AF_UNIX);
  }
  httplib::ClientImpl& client = *connection->client;
  client.set_keep_alive(true);
  client.set_follow_location(false);
  client.set_decompress(false);
  client.set_path_encode(false);
  client.set_tcp_nodelay(url->scheme != BaseUrl::Scheme::unix_socket);
  client.set_connection_timeout(std::min(settings_.connect_timeout, settings_.total_timeout));
  // The guard is first: it knows that time was the reason, which httplib does not say.
  const auto later = settings_.total_timeout + std::chrono::seconds(1);
  client.set_read_timeout(later);
  client.set_write_timeout(later);
  client.set_socket_options([raw = connection.get()](int socket) {
    if (raw->guard != nullptr) raw->guard->watch(socket);
  });
  connection_ = std::move(connection);
  return {};
}

// The body in pieces, and between two of them an eye on the server, which may have refused it.
void HttpClient::send_watching(Call& call, std::size_t size) {
  call.request.content_length_ = size;
  call.request.content_provider_ = [this, &call, size, watch = std::optional<EarlyAnswer>()](
                                       std::size_t offset, std::size_t,
                                       httplib::DataSink& out) mutable {
    if (offset == 0) watch.emplace(connection_->client->socket(), connection_->session);
    if (watch->is_coming()) call.early = watch->read();
    if (call.early) return false;
    const std::string_view bytes = call.next(offset, size - offset);
    if (bytes.empty()) return false;
    if (out.write(bytes.data(), bytes.size())) return true;
    if (watch->is_coming()) call.early = watch->read();
    return false;
  };
}

Result<HttpAnswer> HttpClient::perform(Call& call) {
  if (auto connected = connect(); !connected) return pass(connected.error());
  DeadlineGuard guard(settings_.total_timeout, settings_.stall_timeout, settings_.on_wait);
  connection_->guard = &guard;
  connection_->tls_failure.clear();
  if (const auto open = connection_->client->socket(); open != INVALID_SOCKET) guard.watch(open);

  std::string body;
  std::size_t moved = 0;
  bool too_large = false, chunked = false, stopped = false, streaming = false;
  std::optional<Error> refused;
  const auto progress = [&](std::size_t bytes) {
    guard.waiting();
    moved += bytes;
    if (!call.extends || moved < progress_step) return;
    moved = 0;
    guard.extend();
  };
  const auto give = [&](std::string_view bytes) {
    guard.busy();
    stopped = !call.sink(bytes);
    progress(bytes.size());
    return !stopped;
  };
  call.request.start_time_ = std::chrono::steady_clock::now();
  call.request.response_handler = [&](const httplib::Response& response) {
    chunked = !settings_.accepts_chunks && response.has_header("Transfer-Encoding");
    if (chunked || !call.opens) return !chunked;
    const auto opened = call.opens(response);
    if (!opened) refused = opened.error();
    streaming = opened.value_or(false);
    return !refused && (!streaming || give({}));
  };
  call.request.content_receiver = [&](const char* data, std::size_t size, std::size_t,
                                      std::size_t) {
    if (streaming) return give({data, size});
    progress(size);
    too_large = body.size() + size > (call.opens ? largest_error_body : settings_.maximum_body);
    if (!too_large) body.append(data, size);
    return !too_large;
  };
  if (call.request.content_provider_) {
    call.request.upload_progress = [&, sent = std::size_t{0}](std::size_t now,
                                                              std::size_t) mutable {
      progress(now - sent);
      sent = now;
      return true;
    };
  }

  httplib::Response response;
  auto error = httplib::Error::Success;
  bool answered = false;
  try {
    answered = connection_->client->send(call.request, response, error);
  } catch (const std::exception& e) {
    connection_.reset();
    return fail(ErrorKind::internal,
                fmt::format("{}: the HTTP library threw: {}", settings_.base_url, e.what()));
  }
  connection_->guard = nullptr;
  const auto end = guard.end();
  if (answered || (too_large && call.opens)) {
    HttpAnswer answer = to_answer(response);
    answer.body = std::move(body);
    answer.peer_certificate_pem = connection_->peer_certificate_pem;
    return answer;
  }
  if (call.early) {
    call.early->peer_certificate_pem = connection_->peer_certificate_pem;
    connection_.reset();
    return std::move(*call.early);
  }
  const std::string where =
      fmt::format("{} {}{}", call.request.method, settings_.base_url, call.request.path);
  const std::string tls_failure = connection_->tls_failure;
  connection_.reset();
  if (end == DeadlineGuard::End::stall) {
    return fail(ErrorKind::timeout, fmt::format("{}: no byte came within {} ms", where,
                                                settings_.stall_timeout.count()));
  }
  if (end == DeadlineGuard::End::time) {
    return fail(ErrorKind::timeout, fmt::format("{}: no complete answer within {} ms", where,
                                                settings_.total_timeout.count()));
  }
  if (!tls_failure.empty()) {
    return fail(ErrorKind::unauthenticated, fmt::format("{}: {}", where, tls_failure));
  }
  if (refused) return while_doing(*refused, where);
  if (stopped) return fail(ErrorKind::conflict, fmt::format("{}: stopped by the receiver", where));
  if (chunked) {
    return fail(
        ErrorKind::invalid,
        fmt::format("{}: expected an answer with Content-Length, found Transfer-Encoding", where));
  }
  if (too_large) {
    return fail(ErrorKind::invalid,
                fmt::format("{}: expected an answer of at most {} bytes, found more", where,
                            settings_.maximum_body));
  }
  return failed_transport(where, error);
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request) {
  Call call;
  call.request.method = request.method;
  call.request.path = request.path;
  for (const auto& [name, value] : request.headers) call.request.set_header(name, value);
  if (request.body.empty()) return perform(call);
  call.request.set_header("Content-Type", request.content_type);
  call.next = [&](std::size_t offset, std::size_t) {
    return std::string_view(request.body).substr(offset, body_step);
  };
  send_watching(call, request.body.size());
  return perform(call);
}

Result<HttpAnswer> HttpClient::download(const Download& wanted) {
  Call call;
  call.request.method = "GET";
  call.request.path = wanted.path;
  const bool is_ranged = wanted.offset > 0;
  if (is_ranged) call.request.set_header("Range", fmt::format("bytes={}-", wanted.offset));
  call.request.set_header("Accept-Encoding", wanted.takes_zstd ? "zstd" : "identity");
  Coding coding = Coding::none;
  call.opens = [&](const httplib::Response& response) -> Result<bool> {
    if (response.status == 206 && !is_ranged) {
      return fail(ErrorKind::invalid,
                  "expected all of it (200), found a part (206) that was not asked for");
    }
    if (response.status != (is_ranged ? 206 : 200)) return false;
    const std::string range = response.get_header_value("Content-Range");
    if (is_ranged && !range.empty() &&
        !range.starts_with(fmt::format("bytes {}-", wanted.offset))) {
      return fail(ErrorKind::invalid, fmt::format("expected the bytes from {} on, found {}",
                                                  wanted.offset, in_ticks(range)));
    }
    const std::string named = response.get_header_value("Content-Encoding", "identity");
    coding = named == "zstd" ? Coding::zstd : Coding::none;
    if (named == "identity" || (named == "zstd" && wanted.takes_zstd)) return true;
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "expected the Content-Encoding that was asked for ({}) or none, found {}; switch compression off for artifacts on that server",
            wanted.takes_zstd ? "zstd" : "identity", in_ticks(named)));
  };
  call.sink = [&](std::string_view bytes) { return wanted.sink(bytes, coding); };
  call.extends = true;
  return perform(call);
}

Result<HttpAnswer> HttpClient::upload(const std::string& path, const std::string& file) {
  std::ifstream input(file, std::ios::binary | std::ios::ate);
  if (!input) return fail_errno(errno, fmt::format("opening '{}' to upload it", file));
  const auto size = static_cast<std::size_t>(input.tellg());
  Call call;
  call.request.method = "PUT";
  call.request.path = path;
  call.request.set_header("Content-Type", "application/octet-stream");
  call.request.set_header("Content-Length", std::to_string(size));
  call.extends = true;
  std::string buffer(1u << 16, '\0');
  call.next = [&](std::size_t offset, std::size_t left) {
    input.seekg(static_cast<std::streamoff>(offset));
    input.read(buffer.data(), static_cast<std::streamsize>(std::min(left, buffer.size())));
    return std::string_view(buffer).substr(0, static_cast<std::size_t>(input.gcount()));
  };
  send_watching(call, size);
  return perform(call);
}

}  // namespace muster
