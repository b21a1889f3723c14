// The program that the site's operators named for warnings before a cluster on demand ends. It runs
// beside the server, one at a time, without a shell: `PROGRAM cluster-expires NAME`, with the facts
// as JSON on its standard input. What goes wrong is logged, and nothing waits for it. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "records/on_demand_record.hpp"
#include "result/result.hpp"

namespace muster {

class ExpiryHook {
 public:
  // `program`: an absolute path; empty: there is none, and warnings are only logged.
  explicit ExpiryHook(std::string program,
                      std::chrono::milliseconds limit = std::chrono::seconds(30));
  ~ExpiryHook();  // a program that runs is ended, what waits is dropped
  ExpiryHook(const ExpiryHook&) = delete;
  ExpiryHook& operator=(const ExpiryHook&) = delete;

  // Returns at once. At most 100 wait; more are logged and dropped.
  void warn(const OnDemandCluster& cluster, std::int64_t now);

 private:
  struct Call {
    std::string cluster, input;
  };
  void work();
  [[nodiscard]] Result<void> run(const Call& call);

  const std::string program_;
  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> waiting_;
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace muster
