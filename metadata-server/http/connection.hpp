// One connection as a state machine: handshake, head, body, answer, write, and again. It never
// blocks and owns no thread: its event loop tells it when the socket is ready, when a worker is
// done and when its deadline has passed. Used by one event thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/listener_counters.hpp"
#include "http/listener_settings.hpp"
#include "http/service.hpp"
#include "http/transport.hpp"
#include "http/wire_answer.hpp"
#include "http/worker_pool.hpp"

namespace muster {

using Clock = std::chrono::steady_clock;

// What all connections of one event loop share; outlives them.
struct Surroundings {
  const ListenerSettings& settings;
  Service& service;
  WorkerPool& pool;
  WorkerPool& operators_pool;
  ListenerCounters& counters;
  // Hands a worker's answer back to the event loop; called on the worker.
  std::function<void(std::uint64_t connection, WireAnswer)> completed;
  const std::atomic<bool>& stopping;
};

class Connection {
 public:
  // What the connection needs before advance() makes sense again.
  enum class Want {
    read,
    write,
    worker,
    turn,   // of the handshakes: its loop calls take_turn()
    again,  // nothing: it only let others go first
    close,
  };

  Connection(std::unique_ptr<Transport> transport, Peer peer, Surroundings& around,
             std::uint64_t id);
  ~Connection() { release_body(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  [[nodiscard]] Want advance();
  [[nodiscard]] Want deliver(WireAnswer answer);
  // The next step of a handshake costs more than any request from memory: it has its turn, and the
  // wait for that is no part of the time that the other side has.
  [[nodiscard]] bool is_shaking_hands() const { return phase_ == Phase::handshake; }
  [[nodiscard]] Want await_turn();
  [[nodiscard]] Want take_turn();
  // When the present phase must be over; then the connection is closed without a word.
  [[nodiscard]] Clock::time_point deadline() const { return deadline_; }
  // Waits for the next request of a kept connection.
  [[nodiscard]] bool is_idle() const {
    return phase_ == Phase::head && requests_ > 0 && input_.empty();
  }
  // Nobody's work is lost with it: it asks nothing yet, or what it asked for stands still or is
  // slower than anybody's line.
  [[nodiscard]] bool may_give_way(Clock::time_point now) const;
  // It has had time to ask, and did not.
  [[nodiscard]] bool is_silent(Clock::time_point now) const;
  // Before it is closed, where the other side does not take what it asked for: the kernel would
  // keep megabytes of each, and go on offering them.
  void drop_unsent() const;
  [[nodiscard]] int socket() const { return transport_->socket(); }
  // Its next request is answered 503: its certificate's name has as many connections as it may.
  void refuse_requests();
  // Whose certificate it is, whichever of the certificates of that name; empty: nobody's.
  [[nodiscard]] const std::string& identity() const { return identity_; }
  [[nodiscard]] bool is_of_person() const { return is_of_person_; }

 private:
  // store: a worker writes a piece of the body to its sink; nothing is read meanwhile.
  enum class Phase { handshake, head, body, store, answer, write, drain };
  // nullopt: go on at once.
  using Step = std::optional<Want>;

  [[nodiscard]] Step step();
  [[nodiscard]] Step shake_hands();
  [[nodiscard]] Step read_head();
  [[nodiscard]] Step read_body();
  // Of what lies in memory.
  [[nodiscard]] std::string_view unwritten() const;
  [[nodiscard]] Step write_out();
  [[nodiscard]] Step drain();
  [[nodiscard]] Step read_more();
  [[nodiscard]] Step after_write();
  void begin_request(std::string_view head);
  [[nodiscard]] Response one_too_many() const;
  void take_body(std::size_t count);
  void store_piece(std::size_t count);
  void dispatch();
  void submit(WorkShare share, bool is_large, std::function<WireAnswer()> run);
  void pass(const Response& response);
  void finish_and_drain();
  void start_writing(WireAnswer answer);
  void enter(Phase phase, std::chrono::milliseconds time);
  void enter_transfer(Phase phase, std::uint64_t bytes);
  void note_transfer(std::uint64_t bytes);
  [[nodiscard]] bool is_behind(Clock::time_point now) const;
  [[nodiscard]] bool reserve_body();
  void release_body();

  std::unique_ptr<Transport> transport_;
  Surroundings& around_;
  const std::uint64_t id_;
  Phase phase_ = Phase::handshake;
  Clock::time_point deadline_;
  std::optional<Clock::time_point> waits_since_;  // for its turn
  Clock::time_point began_;                       // the present request
  // Of a body or an answer: what is left of it, and of the part whose deadline runs.
  std::uint64_t transfer_left_ = 0, part_left_ = 0, part_size_ = 0;
  Clock::time_point part_began_, moved_;     // when bytes of it last went
  Clock::time_point opened_ = Clock::now();  // later by what it waited for its turn
  std::uint64_t requests_ = 0;
  std::string identity_;
  bool is_of_person_ = false, is_refused_ = false;

  std::string input_;  // read and not yet used
  RequestHead head_;
  Request request_;
  bool blocking_ = false, is_for_people_ = false, is_large_ = false;
  WorkShare share_;
  std::uint64_t body_left_ = 0;
  std::size_t piece_ = 0;      // bytes of the body that a worker has
  std::int64_t reserved_ = 0;  // bytes, of the listener's for bodies

  WireAnswer answer_;
  std::size_t written_ = 0;
  bool interim_ = false;  // what is written is "100 Continue"
  std::size_t drained_ = 0;
};

}  // namespace muster
