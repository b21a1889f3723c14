// What Prometheus scrapes. Counters grow in memory; what lives elsewhere (connections,
// certificates' ends) is asked for at each scrape. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backup/recovery_key.hpp"
#include "fleet/certificate_expiries.hpp"
#include "fleet/machine_trouble.hpp"
#include "fleet/site_clock.hpp"
#include "fleet/task_board.hpp"
#include "http/listener_counters.hpp"
#include "http/request.hpp"

namespace muster {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `route` is a pattern, never a path: paths are the caller's choice and would be endless series.
  void count_request(ListenerKind listener, std::string_view method, std::string_view route,
                     int status, std::chrono::microseconds took);
  // `counters` outlives this.
  void watch(ListenerKind listener, const ListenerCounters& counters);
  void set_expiries(std::function<std::vector<CertificateExpiry>()> ask);
  // Cluster on demand -> seconds until its end.
  void set_cluster_ends(std::function<std::map<std::string, std::int64_t>()> ask);
  // Seconds since which each cluster is due to be published; asked for at each scrape.
  void set_due(std::function<std::map<std::string, std::int64_t>()> ask);
  // Artifacts whose zstd form is still to be made.
  void set_encodings_pending(std::function<std::size_t()> ask);
  void set_machines(std::function<std::vector<MachineCount>()> ask);
  void set_tasks(std::function<std::vector<TaskStatus>()> ask);
  void set_clock(std::function<ClockStatus()> ask);
  void set_backup(std::function<Result<BackupStatus>()> ask);
  void set_quarantined(std::function<std::vector<std::string>()> ask);  // clusters
  // The text exposition format, version 0.0.4.
  [[nodiscard]] std::string text();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster
