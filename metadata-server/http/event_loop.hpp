// One epoll thread of a listener: accepts, drives its connections, keeps their deadlines.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "http/connection.hpp"
#include "http/home_networks.hpp"
#include "http/source_table.hpp"

namespace muster {

// The TLS settings that the next connection will use; connections in progress keep theirs.
// Thread-safe.
class TlsSlot {
 public:
  void set(SslContext context) {
    const std::lock_guard lock(mutex_);
    context_ = std::move(context);
  }
  [[nodiscard]] SslContext get() {
    const std::lock_guard lock(mutex_);
    return context_;
  }

 private:
  std::mutex mutex_;
  SslContext context_;
};

struct Accepted;

class EventLoop {
 public:
  EventLoop(const ListenerSettings& settings, int listening, Service& service, WorkerPool& pool,
            WorkerPool& operators_pool, SourceTable& sources, HomeNetworks& homes,
            ListenerCounters& counters, TlsSlot& tls);
  ~EventLoop();  // after join()
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] Result<void> start();
  // Accepts no more, closes idle connections, lets the others finish until `until`. Thread-safe.
  void stop(Clock::time_point until);
  void join();
  // Since it last came round; wakes it, so that it has come round by the next call. Thread-safe.
  [[nodiscard]] Clock::duration stalled();

 private:
  struct Entry {
    std::unique_ptr<Connection> connection;
    std::string address;
    std::uint32_t interest = 0;
    Clock::time_point timer;
    std::optional<WorkShare> waits;  // for the turn of its handshake
  };

  void run();
  void accept_some();
  [[nodiscard]] bool accept_one();
  void add(Accepted accepted);
  [[nodiscard]] SourceTable::Entry enter(const std::string& address);
  [[nodiscard]] std::optional<std::uint64_t> who_gives_way_to(const std::string& address);
  [[nodiscard]] std::optional<std::uint64_t> who_is_silent(Clock::time_point now);
  void give_up(std::uint64_t id);
  void pause_accepting();
  void serve(std::uint64_t id, Connection::Want want);
  void remove(std::uint64_t id);
  void take_completed();
  void pass_deadlines();
  void run_ready();
  void await_turn(std::uint64_t id);
  void take_turn(std::uint64_t id);
  void note_identity(std::uint64_t id);
  void shake_hands(Clock::duration spent);
  void wind_down();
  [[nodiscard]] int wait_time();
  void wake();

  const ListenerSettings& settings_;
  const int listening_;
  SourceTable& sources_;
  HomeNetworks& homes_;
  ListenerCounters& counters_;
  TlsSlot& tls_;
  std::atomic<bool> stopping_{false};
  Surroundings around_;

  FileDescriptor epoll_, event_;
  std::unordered_map<std::uint64_t, Entry> connections_;
  // Their ids by their network, oldest first.
  std::unordered_map<std::string, std::set<std::uint64_t>> networks_;
  std::unordered_map<std::string, std::set<std::uint64_t>> identities_;  // likewise
  std::set<std::pair<Clock::time_point, std::uint64_t>> timers_;
  std::vector<std::uint64_t> ready_;  // asked to go again at once
  FairQueue handshakes_;
  std::uint64_t next_id_;
  bool accepting_ = false;
  Clock::time_point accept_again_{};
  std::atomic<Clock::rep> stop_by_{0};
  std::atomic<Clock::rep> turned_at_{0};

  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, WireAnswer>> completed_;
  std::thread thread_;
};

}  // namespace muster
