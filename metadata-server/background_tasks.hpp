// What a running server does by itself: each task on a thread of its own (fleet/task_thread), so
// that one that fails, hangs or takes long holds up neither the others nor the watchdog.
#pragma once

#include <memory>
#include <vector>

#include "fleet/expiry_hook.hpp"
#include "fleet/fleet.hpp"
#include "fleet/scheduler.hpp"
#include "fleet/task_board.hpp"
#include "fleet/task_thread.hpp"
#include "fleet/vanished.hpp"
#include "http/server_listeners.hpp"
#include "settings.hpp"

namespace muster {

class BackgroundTasks {
 public:
  // All outlive it. Nothing runs before start(). `keep_mark`: notes how far the store came.
  BackgroundTasks(const Fleet& fleet, const Settings& settings, ServerListeners& listeners,
                  TaskBoard& board, std::function<Result<void>()> keep_mark);

  void start();
  void stop();  // waits for the runs in progress; idempotent

 private:
  void add(std::string name, std::chrono::milliseconds interval,
           std::function<Result<void>(std::stop_token)> run);
  [[nodiscard]] Result<void> collect_instances() const;
  [[nodiscard]] Result<void> archive_audit(const std::stop_token& stop) const;

  const Fleet& fleet_;
  const Settings& settings_;
  ServerListeners& listeners_;
  TaskBoard& board_;
  ExpiryHook hook_;
  Scheduler scheduler_;
  VanishWatch vanish_watch_;
  std::function<Result<void>()> keep_mark_;
  std::vector<std::unique_ptr<TaskThread>> threads_;
};

}  // namespace muster
