// A small HTTP service on a free port of 127.0.0.1 for tests of what our clients ask others: every
// request is kept, every reply is the test's. One connection per reply, each with its own thread;
// no request bodies.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace muster {

struct HttpReply {
  int status = 200;
  std::string body;
  std::vector<std::string> headers;  // "Retry-After: 2"
  std::chrono::milliseconds delay{0};
  std::size_t missing = 0;  // of the bytes that Content-Length promises
};

class FakeHttpService {
 public:
  // `answer` gets the request's head, as it came; it runs on a thread of the service's.
  explicit FakeHttpService(std::function<HttpReply(const std::string& head)> answer)
      : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_in at {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    auto* address = reinterpret_cast<struct sockaddr*>(&at);
    if (bind(socket_, address, length) != 0 || listen(socket_, 8) != 0) std::abort();
    getsockname(socket_, address, &length);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeHttpService() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    for (auto& thread : replies_) thread.join();
    close(socket_);
  }
  FakeHttpService(const FakeHttpService&) = delete;
  FakeHttpService& operator=(const FakeHttpService&) = delete;

  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  // The heads of all requests so far.
  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    for (;;) {
      const int client = accept(socket_, nullptr, nullptr);
      if (client < 0) return;
      replies_.emplace_back([this, client] {
        reply(client);
        close(client);
      });
    }
  }
  void reply(int client) {
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = recv(client, buffer, sizeof buffer, 0);
      if (count <= 0) return;
      head.append(buffer, static_cast<std::size_t>(count));
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(head);
    }
    const HttpReply made = answer_(head);
    std::this_thread::sleep_for(made.delay);
    std::string text = fmt::format("HTTP/1.1 {} Reply\r\nContent-Length: {}\r\n", made.status,
                                   made.body.size() + made.missing);
    for (const auto& header : made.headers) text += header + "\r\n";
    text += "Connection: close\r\n\r\n" + made.body;
    static_cast<void>(::send(client, text.data(), text.size(), MSG_NOSIGNAL));
  }

  std::function<HttpReply(const std::string&)> answer_;
  int socket_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> replies_;  // of thread_ alone, until it has ended
  std::thread thread_;
};

}  // namespace muster
