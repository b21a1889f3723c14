#include "agent/sources/metadata_service.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/deadline.hpp"
#include "document/field_syntax.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

constexpr const char* token_path = "/latest/api/token";
constexpr const char* token_header = "X-aws-ec2-metadata-token";
constexpr std::size_t largest_token = 4096;

bool is_ec2(UserDataDialect dialect) {
  return dialect == UserDataDialect::ec2 || dialect == UserDataDialect::ec2_identity;
}

bool may_change(int status) {
  return status == 401 || status == 404 || status == 408 || status == 429 || status >= 500;
}

// One question after the other; the one that fails is the attempt's outcome.
class Attempt {
 public:
  Attempt(const UserDataOrigin& origin, Network& network, milliseconds time)
      : origin_(origin), network_(network), time_(time) {}

  Result<std::string> run() {
    HttpRequest request;
    request.path = origin_.path;
    if (origin_.dialect == UserDataDialect::gce) request.headers["Metadata-Flavor"] = "Google";
    if (is_ec2(origin_.dialect)) {
      auto token = session_token();
      if (!token) return token;
      request.headers[token_header] = *token;
    }
    const auto answer = ask(request, largest_user_data(origin_.dialect));
    if (!answer) return pass(answer.error());
    const auto flavor = answer->headers.find("metadata-flavor");
    if (origin_.dialect == UserDataDialect::gce &&
        (flavor == answer->headers.end() || flavor->second != "Google")) {
      return fail(
          ErrorKind::invalid,
          fmt::format(
              "GET {}{}: expected the header 'Metadata-Flavor: Google', found none: no metadata service of Google's",
              origin_.base_url, origin_.path));
    }
    return answer->body;
  }

  // What the service asked for in its last answer.
  [[nodiscard]] std::optional<milliseconds> retry_after() const { return retry_after_; }

 private:
  Result<std::string> session_token() {
    HttpRequest request;
    request.method = "PUT";
    request.path = token_path;
    request.headers[std::string(token_header) + "-ttl-seconds"] = "60";
    const auto answer = ask(request, largest_token);
    if (!answer) return pass(answer.error());
    if (answer->body.empty() || has_control_characters(answer->body)) {
      return fail(
          ErrorKind::invalid,
          fmt::format("PUT {}{}: expected a token, found something that is no header's value",
                      origin_.base_url, token_path));
    }
    return answer->body;
  }

  Result<HttpAnswer> ask(const HttpRequest& request, std::size_t most) {
    auto answer = network_.ask(origin_.base_url, request, most, time_);
    if (!answer || answer->status == 200) return answer;
    note_retry_after(*answer);
    return fail(may_change(answer->status) ? ErrorKind::unavailable : ErrorKind::forbidden,
                fmt::format("{} {}{}: expected 200, found {}", request.method, origin_.base_url,
                            request.path, answer->status));
  }

  void note_retry_after(const HttpAnswer& answer) {
    const auto found = answer.headers.find("retry-after");
    if (found == answer.headers.end()) return;
    std::uint32_t seconds = 0;
    const char* end = found->second.data() + found->second.size();
    const auto [stopped, error] = std::from_chars(found->second.data(), end, seconds);
    if (error == std::errc() && stopped == end) retry_after_ = std::chrono::seconds(seconds);
  }

  const UserDataOrigin& origin_;
  Network& network_;
  milliseconds time_;
  std::optional<milliseconds> retry_after_;
};

}  // namespace

std::size_t largest_user_data(UserDataDialect dialect) {
  return is_ec2(dialect) ? 16u << 10 : 64u << 10;
}

Result<std::string> fetch_user_data(const UserDataOrigin& origin, Host& host, Network& network,
                                    const MetadataPatience& patience,
                                    const std::function<void(std::string_view)>& note) {
  if (origin.dialect == UserDataDialect::folder) {
    return host.files.read(origin.path, largest_user_data(origin.dialect));
  }
  const Deadline end(host.clock, patience.total);
  // The last attempt is a real one.
  const auto shortest = std::min(milliseconds(1000), patience.attempt);
  milliseconds pause(100);
  for (bool is_first = true;; is_first = false) {
    Attempt attempt(origin, network, std::clamp(end.left(), shortest, patience.attempt));
    auto text = attempt.run();
    const bool may_come = !text && (text.error().kind == ErrorKind::unavailable ||
                                    text.error().kind == ErrorKind::timeout);
    if (text) return text;
    if (!may_come) return while_doing(text.error(), name(origin));
    if (end.has_passed()) {
      return fail(ErrorKind::unavailable,
                  fmt::format("{}: none within {} s; last: {}", name(origin),
                              patience.total.count() / 1000, text.error().message));
    }
    if (is_first) note(fmt::format("waiting for {}: {}", name(origin), text.error().message));
    host.clock.sleep(std::min(attempt.retry_after().value_or(pause), end.left()));
    pause = std::min(pause * 2, milliseconds(2000));
  }
}

}  // namespace muster
