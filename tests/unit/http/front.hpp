// An event front on a socket of the loopback interface, and what is asked of it.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <thread>

#include "client/http_client.hpp"
#include "fakes/fake_service.hpp"
#include "fakes/raw_client.hpp"
#include "fakes/scratch_folder.hpp"
#include "fakes/soon.hpp"
#include "http/listener.hpp"

namespace muster {

inline ListenerSettings anywhere() {
  ListenerSettings settings;
  settings.address = "127.0.0.1:0";
  return settings;
}

// Only for what is to meet a deadline: a busy machine may make anything else meet it too.
inline ListenerSettings quick() {
  ListenerSettings settings = anywhere();
  settings.deadlines.handshake = settings.deadlines.head = settings.deadlines.body =
      std::chrono::milliseconds(300);
  settings.deadlines.idle = std::chrono::milliseconds(600);
  return settings;
}

struct Front {
  FakeService service;
  std::unique_ptr<Listener> listener;

  explicit Front(ListenerSettings settings = anywhere()) {
    auto opened = Listener::open(std::move(settings), service);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    listener = std::move(*opened);
  }
  [[nodiscard]] std::string ask(std::string_view bytes,
                                std::chrono::milliseconds time = std::chrono::seconds(10)) const {
    RawClient client(listener->address());
    client.send(bytes);
    return client.receive(time);
  }
  [[nodiscard]] HttpClient client() const {
    HttpClientSettings settings;
    settings.base_url = "http://" + listener->address();
    return HttpClient(settings);
  }
};

inline std::string get(std::string_view path, std::string_view more = "Connection: close\r\n") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", path, more);
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace muster
