// A TCP client that sends exactly the bytes it is told to, for tests of what no HTTP client would
// send.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

namespace muster {

class RawClient {
 public:
  // `address`: "127.0.0.1:40123"; `source`: another address of the loopback interface
  explicit RawClient(const std::string& address, const std::string& source = {})
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_in from {};
    from.sin_family = AF_INET;
    if (inet_pton(AF_INET, source.c_str(), &from.sin_addr) == 1)
      bind(socket_, reinterpret_cast<struct sockaddr*>(&from), sizeof from);
    struct sockaddr_in to {};
    to.sin_family = AF_INET;
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<struct sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int socket() const { return socket_; }
  bool send(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // What arrives until the server closes, `until` was seen, or the time is over.
  std::string receive(std::chrono::milliseconds time, std::string_view until = {}) {
    std::string received;
    const auto end = std::chrono::steady_clock::now() + time;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      struct pollfd waiting {
        socket_, POLLIN, 0
      };
      if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
        return received;
      char buffer[65536];
      const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) {
        closed_ = true;
        return received;
      }
      received.append(buffer, static_cast<std::size_t>(count));
      if (!until.empty() && received.find(until) != std::string::npos) return received;
    }
  }
  // The server has closed, as far as receive() saw.
  [[nodiscard]] bool closed() const { return closed_; }
  // Without a word, also where what was sent before lies unread.
  [[nodiscard]] bool is_reset() const {
    struct pollfd asked {
      socket_, 0, 0
    };
    return poll(&asked, 1, 0) == 1 && (asked.revents & POLLERR) != 0;
  }

 private:
  int socket_;
  bool connected_ = false;
  bool closed_ = false;
};

}  // namespace muster
