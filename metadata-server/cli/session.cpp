#include "cli/session.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

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

}  // namespace

Result<HttpClient*> Session::client() {
  if (client_) return client_.get();
  HttpClientSettings settings;
  settings.base_url = options.server;
  settings.total_timeout =
      std::chrono::seconds(120);  // compiling ten thousand machines takes its time
  settings.maximum_body = answer_limits.size;
  if (options.server.starts_with("https:")) {
    for (const auto& [path, target] :
         {std::pair{&options.certificate, &settings.tls.certificate_pem},
          std::pair{&options.key, &settings.tls.key_pem},
          std::pair{&options.authority, &settings.tls.authorities_pem}}) {
      if (path->empty()) {
        return fail(
            ErrorKind::invalid,
            "an https server needs --certificate, --key and --ca (see muster operator add --help)");
      }
      auto text = read_file(*path);
      if (!text) return pass(text.error());
      *target = std::move(*text);
    }
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
  if (!body.is_null()) request.body = body.dump();
  auto answer = (*http)->send(request);
  if (!answer) return context(answer.error(), options.server);
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
  auto answer = (*http)->upload("/v1/operator/" + path, file);
  if (!answer) return context(answer.error(), options.server);
  if (answer->status >= 400) return pass(error_of(*answer));
  return {};
}

Exit complain(const Session& session, const Error& error) {
  std::fprintf(stderr, "muster: %s\n", error.message.c_str());
  switch (error.kind) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
      std::fprintf(
          stderr,
          "muster: is muster-server running? See: systemctl status muster-server (asked %s)\n",
          session.options.server.c_str());
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
