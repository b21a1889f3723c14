// A server on a unix socket that answers what it is told to and records what it was asked, and one
// run of `muster` against it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "cli/command_line.hpp"
#include "fakes/scratch_folder.hpp"

namespace muster::fake {

class OperatorApi {
 public:
  struct Answer {
    int status = 200;
    std::string body = "{}";
    std::string then = {};  // not empty: the body from the second time on
  };
  // "GET /v1/operator/nodes" -> answer; anything else is a 404.
  explicit OperatorApi(std::map<std::string, Answer> answers) : answers_(std::move(answers)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ready_ = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
             ::listen(listener_, 8) == 0;
    thread_ = std::thread([this] { serve(); });
  }
  OperatorApi(const OperatorApi&) = delete;
  OperatorApi& operator=(const OperatorApi&) = delete;
  ~OperatorApi() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::string url() const { return "unix:" + path(); }
  [[nodiscard]] std::string folder() const { return folder_.path(); }
  // "POST /v1/operator/tokens {...}" in order. Read it when the command has ended.
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }

 private:
  [[nodiscard]] std::string path() const { return folder_.path("admin.sock"); }

  void serve() {
    while (ready_) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      answer(peer);
      ::close(peer);
    }
  }

  void answer(int peer) {
    std::string request;
    std::size_t end = std::string::npos, length = 0;
    char bytes[65536];
    while (end == std::string::npos || request.size() < end + 4 + length) {
      const ssize_t got = ::read(peer, bytes, sizeof bytes);
      if (got <= 0) return;
      request.append(bytes, static_cast<std::size_t>(got));
      end = request.find("\r\n\r\n");
      const std::size_t field = request.find("Content-Length: ");
      if (end != std::string::npos && field < end) length = std::stoul(request.substr(field + 16));
    }
    const std::string line = request.substr(0, request.find(" HTTP/"));
    const std::string body = request.substr(end + 4);
    asked_.push_back(body.empty() ? line : line + " " + body);
    auto found = answers_.find(line);
    const Answer answer = found == answers_.end()
                              ? Answer{404, R"({"kind":"not_found","message":"no such thing"})"}
                              : found->second;
    if (found != answers_.end() && !answer.then.empty()) found->second.body = answer.then;
    const std::string text =
        "HTTP/1.1 " + std::to_string(answer.status) +
        " X\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
    static_cast<void>(::write(peer, text.data(), text.size()) == 0);
  }

  std::map<std::string, Answer> answers_;
  ScratchFolder folder_;
  int listener_ = -1;
  bool ready_ = false;
  std::vector<std::string> asked_;
  std::thread thread_;
};

struct Ran {
  int exit = 0;
  std::string out, err;
};

// Runs `muster WORDS...` in this process with its output caught.
inline Ran muster(std::vector<std::string> words) {
  words.insert(words.begin(), "muster");
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  const auto redirect = [](std::FILE* stream, std::FILE* target) {
    std::fflush(stream);
    const int kept = ::dup(::fileno(stream));
    ::dup2(::fileno(target), ::fileno(stream));
    return kept;
  };
  const auto restore = [](std::FILE* stream, int kept, std::FILE* target) {
    std::fflush(stream);
    ::dup2(kept, ::fileno(stream));
    ::close(kept);
    std::string text;
    std::rewind(target);
    for (int byte = std::fgetc(target); byte != EOF; byte = std::fgetc(target)) {
      text.push_back(static_cast<char>(byte));
    }
    std::fclose(target);
    return text;
  };
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  const int kept_out = redirect(stdout, out), kept_err = redirect(stderr, err);
  Ran ran;
  ran.exit = run_muster(static_cast<int>(arguments.size()), arguments.data());
  std::cout.flush();
  ran.out = restore(stdout, kept_out, out);
  ran.err = restore(stderr, kept_err, err);
  return ran;
}

}  // namespace muster::fake
