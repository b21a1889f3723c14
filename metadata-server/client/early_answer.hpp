// The answer of a server that refuses a body while it is on its way: httplib looks for one only
// behind the last byte, and then drops the connection that it lies on. One thread, inside the call
// of httplib that sends.
#pragma once

#include <openssl/types.h>

#include <optional>

#include "client/http_client.hpp"

namespace muster {

class EarlyAnswer {
 public:
  // Neither is owned. `tls`: null without TLS.
  EarlyAnswer(int socket, SSL* tls) : socket_(socket), tls_(tls) {}

  // Bytes of an answer are there. Does not wait.
  [[nodiscard]] bool is_coming();
  // Waits for its end. None: it was an interim one ("100 Continue"), or the connection ended first.
  [[nodiscard]] std::optional<HttpAnswer> read();

 private:
  [[nodiscard]] bool receive();
  [[nodiscard]] bool receive_until(std::size_t size);

  int socket_;
  SSL* tls_;
  std::string received_;
};

}  // namespace muster
