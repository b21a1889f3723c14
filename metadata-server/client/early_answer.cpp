#include "client/early_answer.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_head = 16u << 10, largest_body = 64u << 10;
constexpr std::string_view end_of_line = "\r\n", end_of_head = "\r\n\r\n";

std::size_t number(std::string_view text) {
  std::size_t found = 0;
  std::from_chars(text.data(), text.data() + text.size(), found);
  return found;
}

// Without the blank line. Status 0: no HTTP.
HttpAnswer parse_head(std::string_view head) {
  HttpAnswer answer;
  if (head.starts_with("HTTP/1.") && head.size() > 12) {
    answer.status = static_cast<int>(number(head.substr(9, 3)));
  }
  for (auto end = head.find(end_of_line); end != std::string_view::npos;
       end = head.find(end_of_line)) {
    head.remove_prefix(end + end_of_line.size());
    const std::string_view line = head.substr(0, head.find(end_of_line));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto first = line.find_first_not_of(" \t", colon + 1);
    if (first == std::string_view::npos) continue;
    answer.headers[lower_case(line.substr(0, colon))] =
        line.substr(first, line.find_last_not_of(" \t") - first + 1);
  }
  return answer;
}

}  // namespace

bool EarlyAnswer::is_coming() {
  if (!received_.empty()) return true;
  struct pollfd wait {
    socket_, POLLIN, 0
  };
  const bool is_pending = tls_ != nullptr && SSL_pending(tls_) > 0;
  if (!is_pending && ::poll(&wait, 1, 0) <= 0) return false;
  if (tls_ == nullptr) return true;
  // A record may be of TLS itself: peeking takes those, and must not wait for another.
  const int flags = ::fcntl(socket_, F_GETFL);
  ::fcntl(socket_, F_SETFL, flags | O_NONBLOCK);
  char byte = 0;
  const int peeked = SSL_peek(tls_, &byte, 1);
  ::fcntl(socket_, F_SETFL, flags);
  ERR_clear_error();
  return peeked > 0;
}

bool EarlyAnswer::receive() {
  char bytes[1u << 14];
  ssize_t count = 0;
  if (tls_ != nullptr) {
    count = SSL_read(tls_, bytes, sizeof bytes);
    ERR_clear_error();
  } else {
    do {
      count = ::recv(socket_, bytes, sizeof bytes, 0);
    } while (count < 0 && errno == EINTR);
  }
  if (count > 0) received_.append(bytes, static_cast<std::size_t>(count));
  return count > 0;
}

bool EarlyAnswer::receive_until(std::size_t size) {
  while (received_.size() < size) {
    if (!receive()) return false;
  }
  return true;
}

std::optional<HttpAnswer> EarlyAnswer::read() {
  for (;;) {
    auto end = received_.find(end_of_head);
    while (end == std::string::npos) {
      if (received_.size() > largest_head || !receive()) return std::nullopt;
      end = received_.find(end_of_head);
    }
    HttpAnswer answer = parse_head(std::string_view(received_).substr(0, end));
    received_.erase(0, end + end_of_head.size());
    if (answer.status < 100) return std::nullopt;
    if (answer.status >= 200) {
      const std::size_t length = number(answer.headers["content-length"]);
      if (length > largest_body || !receive_until(length)) return std::nullopt;
      answer.body = received_.substr(0, length);
      return answer;
    }
    if (received_.empty()) return std::nullopt;
  }
}

}  // namespace muster
