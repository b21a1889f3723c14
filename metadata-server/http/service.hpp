// What an event front serves: it asks before a body is read, and again when the request is
// complete.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/fair_queue.hpp"
#include "http/request.hpp"
#include "http/request_head.hpp"

namespace muster {

// What is decided of a request from its head and its peer alone.
struct Admission {
  std::optional<Response> refusal;  // answered at once; the connection closes
  std::size_t route = 0;
  std::map<std::string, std::string> parameters;
  std::uint64_t body_limit = 0;    // bytes
  bool blocking = false;           // answer() may wait for disk or signing: run it on a worker
  bool is_for_people = false;      // of the workers that operators' calls have to themselves
  bool is_large = false;           // of machines: with others of it half of the workers at most
  WorkShare share;                 // whose turn it is, where many wait for a worker
  std::shared_ptr<BodySink> sink;  // set: the body goes there as it arrives
};

// Thread-safe: called from every event thread and every worker.
class Service {
 public:
  virtual ~Service() = default;
  // Never blocks.
  [[nodiscard]] virtual Admission admit(const RequestHead& head, const Peer& peer,
                                        std::string_view request_id) = 0;
  [[nodiscard]] virtual Response answer(const Request& request) = 0;
  // After every answer, refusals included: for logs and counters. Never blocks.
  virtual void note(std::string_view method, std::string_view path, std::size_t route,
                    const Peer& peer, int status, std::string_view request_id,
                    std::chrono::microseconds took) = 0;
};

}  // namespace muster
