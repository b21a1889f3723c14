// Limits and deadlines of one event front. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "http/request.hpp"
#include "http/request_head.hpp"

namespace muster {

// Each is a total for its phase, however many bytes trickle in; body and write for each MiB of it.
struct Deadlines {
  std::chrono::milliseconds handshake{5000};
  std::chrono::milliseconds head{5000};     // from a request's first byte (the first: from accept)
  std::chrono::milliseconds body{10000};    // plus the MiB at slowest_body
  std::chrono::milliseconds answer{60000};  // the handler
  std::chrono::milliseconds write{10000};   // plus the MiB at slowest_write
  std::chrono::milliseconds idle{120000};   // between two requests of one connection
  std::uint64_t slowest_body = 256u << 10;  // bytes a second
  std::uint64_t slowest_write = 64u << 10;
};

struct ListenerSettings {
  ListenerKind kind = ListenerKind::boot;
  std::string address;     // "0.0.0.0:8080", "[::]:8443", "unix:/run/muster/admin.sock"
  std::string unix_group;  // of the socket file; empty or unknown: root alone
  bool tls = false;
  unsigned event_threads = 2;
  unsigned workers = 4;
  unsigned operator_workers = 0;        // for people's calls alone; 0: these are among the others
  std::size_t queued_requests = 256;    // waiting for a worker; of more some get 503
  std::int64_t body_memory = 64 << 20;  // bytes of bodies at once; larger ones than usual get 503
  std::size_t connections = 4096;
  std::size_t connections_per_source = 64;  // 0: no cap (unix sockets)
  // By the name in its certificate, of each event thread; of more its own oldest gives way.
  std::size_t connections_per_machine = 16;
  std::size_t connections_per_operator = 64;
  std::uint64_t requests_per_connection = 10000;  // 1: no keep-alive
  HeadLimits head;
  Deadlines deadlines;
};

}  // namespace muster
