#include "cli/session.hpp"

#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/table.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::not_found, fmt::format("'{}': cannot be read", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

constexpr JsonLimits answer_limits{64u << 20, 40};

// What an operator keeps for every command, so that only --server is left to say.
std::string configured_file(const std::string& name) {
  const char* configuration = std::getenv("XDG_CONFIG_HOME");
  if (configuration != nullptr && *configuration != '\0') {
    return fmt::format("{}/muster/{}", configuration, name);
  }
  const char* home = std::getenv("HOME");
  return fmt::format("{}/.config/muster/{}", home == nullptr ? "" : home, name);
}

Result<TlsClientSettings> tls_settings(const Options& options) {
  TlsClientSettings tls;
  struct Part {
    const std::string& given;
    const char* usual_name;
    std::string& target;
  };
  for (const Part& part : {Part{options.certificate, "operator.crt", tls.certificate_pem},
                           Part{options.key, "operator.key", tls.key_pem},
                           Part{options.authority, "ca.crt", tls.authorities_pem}}) {
    auto text = read_file(part.given.empty() ? configured_file(part.usual_name) : part.given);
    if (!text) {
      return fail(
          ErrorKind::invalid,
          fmt::format(
              "{}. An https server needs --certificate, --key and --ca, or operator.crt, operator.key and ca.crt in ~/.config/muster (see muster operator add --help)",
              text.error().message));
    }
    part.target = std::move(*text);
  }
  return tls;
}

// The admin socket is there, and not for this user.
bool is_for_others(const std::string& path) {
  return ::access(path.c_str(), R_OK | W_OK) != 0 && errno == EACCES;
}

// Nobody answered: why, where this side can see it, and what to do.
void complain_of_silence(const std::string& server, const std::string& message) {
  constexpr std::string_view unix_prefix = "unix:";
  const std::string path =
      server.starts_with(unix_prefix) ? server.substr(unix_prefix.size()) : std::string();
  if (!path.empty() && is_for_others(path)) {
    std::fprintf(stderr,
                 "muster: '%s' is for root and the group muster: use sudo, or join the group\n",
                 path.c_str());
    return;
  }
  std::fprintf(stderr,
               "muster: %s\n"
               "muster: is muster-server running? See: systemctl status muster-server (asked %s)\n",
               message.c_str(), server.c_str());
}

// Messages may repeat what a machine said of itself; their own line breaks stay.
std::string printable_lines(const std::string& text) {
  std::string safe;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    safe += (safe.empty() ? "" : "\n") + printable(line);
  }
  return safe;
}

}  // namespace

Result<HttpClient*> Session::client() {
  if (client_) return client_.get();
  HttpClientSettings settings;
  settings.base_url = options.server;
  settings.total_timeout =
      std::chrono::seconds(120);  // compiling ten thousand machines takes its time
  settings.maximum_body = answer_limits.size;
  if (options.server.starts_with("https:")) {
    auto tls = tls_settings(options);
    if (!tls) return pass(tls.error());
    settings.tls = std::move(*tls);
  }
  client_ = std::make_unique<HttpClient>(std::move(settings));
  return client_.get();
}

Result<nlohmann::json> Session::ask(const std::string& method, const std::string& path,
                                    const nlohmann::json& body) {
  auto http = client();
  if (!http) return pass(http.error());
  HttpRequest request;
  request.method = method;
  request.path = "/v1/operator/" + path;
  if (!body.is_null()) request.body = canonical_text(body);
  answered = false;
  auto answer = (*http)->send(request);
  if (!answer) return while_doing(answer.error(), options.server);
  answered = true;
  if (answer->status >= 400) {
    last_answer = nlohmann::json::parse(answer->body, nullptr, false);
    return pass(error_of(*answer));
  }
  if (answer->body.empty()) return nlohmann::json::object();
  return parse_strict_json("the server's answer", answer->body, answer_limits);
}

Result<void> Session::upload(const std::string& path, const std::string& file) {
  auto http = client();
  if (!http) return pass(http.error());
  answered = false;
  auto answer = (*http)->upload("/v1/operator/" + path, file);
  if (!answer) return while_doing(answer.error(), options.server);
  answered = true;
  if (answer->status >= 400) return pass(error_of(*answer));
  return {};
}

Result<std::string> Session::download(const std::string& path,
                                      const std::function<Result<void>(std::string_view)>& sink) {
  auto http = client();
  if (!http) return pass(http.error());
  answered = false;
  Download wanted;
  wanted.path = "/v1/operator/" + path;
  Result<void> taken;
  wanted.sink = [&](std::string_view bytes, Coding) {
    if (taken) taken = sink(bytes);
    return taken.has_value();
  };
  const auto answer = (*http)->download(wanted);
  if (!taken) return pass(taken.error());
  if (!answer) return while_doing(answer.error(), options.server);
  answered = true;
  if (answer->status >= 400) return pass(error_of(*answer));
  const auto etag = answer->headers.find("etag");
  if (etag == answer->headers.end() || etag->second.size() < 2)
    return fail(ErrorKind::internal, "the server's answer: expected an ETag, found none");
  return etag->second.substr(1, etag->second.size() - 2);
}

Exit complain(const Session& session, const Error& error) {
  const std::string message = printable_lines(error.message);
  const bool silent = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
  if (silent && !session.answered) {
    complain_of_silence(session.options.server, message);
    return Exit::unreachable;
  }
  std::fprintf(stderr, "muster: %s\n", message.c_str());
  switch (error.kind) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
      return Exit::unreachable;
    case ErrorKind::unauthenticated:
    case ErrorKind::forbidden:
    case ErrorKind::conflict:
      return Exit::refused;
    default:
      return Exit::failed;
  }
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0 || character == '-' || character == '.' || character == '_') {
      escaped.push_back(character);
    } else {
      escaped += fmt::format("%{:02X}", byte);
    }
  }
  return escaped;
}

}  // namespace muster
