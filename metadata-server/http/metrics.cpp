#include "http/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <tuple>

namespace muster {
namespace {

const prometheus::Histogram::BucketBoundaries seconds{0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10};

struct Watched {
  ListenerKind listener;
  const ListenerCounters* counters;
};

// What one request adds to.
struct Series {
  prometheus::Counter& requests;
  prometheus::Histogram& durations;
};

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("muster_http_requests_total")
          .Help("Answered requests by listener, method, route and status")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("muster_http_request_seconds")
          .Help("From the complete head to the first byte of the answer")
          .Register(registry);
  // A family looks its series up by a map of labels, which costs more than the counting itself.
  std::mutex series_mutex;
  std::map<std::tuple<ListenerKind, std::string, std::string, int>, Series> series;

  std::mutex mutex;
  std::vector<Watched> watched;
  std::function<std::vector<CertificateExpiry>()> expiries;
  std::function<std::map<std::string, std::int64_t>()> cluster_ends, due;
  std::function<std::size_t()> encodings_pending;
  std::function<std::vector<MachineCount>()> machines;
  std::function<std::vector<TaskStatus>()> tasks;
  std::function<ClockStatus()> clock;
  std::function<std::vector<std::string>()> quarantined;
  std::function<Result<BackupStatus>()> backup;

  Series& series_of(ListenerKind listener, std::string_view method, std::string_view route,
                    int status) {
    const std::string verb(method), pattern(route);
    const std::lock_guard lock(series_mutex);
    const auto found = series.find({listener, verb, pattern, status});
    if (found != series.end()) return found->second;
    const std::string label(name(listener));
    auto& counter = requests.Add({{"listener", label},
                                  {"method", verb},
                                  {"route", pattern},
                                  {"status", std::to_string(status)}});
    auto& histogram = durations.Add({{"listener", label}, {"route", pattern}}, seconds);
    return series.try_emplace({listener, verb, pattern, status}, Series{counter, histogram})
        .first->second;
  }

  void add_connections(prometheus::Registry& into) const {
    auto& open = prometheus::BuildGauge()
                     .Name("muster_http_connections")
                     .Help("Open connections by listener")
                     .Register(into);
    auto& events = prometheus::BuildCounter()
                       .Name("muster_http_connection_events_total")
                       .Help("What happened to connections, by listener")
                       .Register(into);
    for (const auto& [listener, counters] : watched) {
      const std::string label(name(listener));
      open.Add({{"listener", label}}).Set(static_cast<double>(counters->open));
      const auto add = [&](const char* event, const std::atomic<std::uint64_t>& count) {
        events.Add({{"listener", label}, {"event", event}}).Increment(static_cast<double>(count));
      };
      add("accepted", counters->accepted);
      add("source_full", counters->source_full);
      add("identity_full", counters->identity_full);
      add("full", counters->full);
      add("handshake_failed", counters->handshake_failed);
      add("gave_way", counters->gave_way);
      add("deadline_passed", counters->deadline_passed);
      add("overloaded", counters->overloaded);
    }
  }

  void add_encodings(prometheus::Registry& into) const {
    if (!encodings_pending) return;
    prometheus::BuildGauge()
        .Name("muster_artifact_encodings_pending")
        .Help("Artifacts whose zstd form is still to be made; until then they are served plain")
        .Register(into)
        .Add({})
        .Set(static_cast<double>(encodings_pending()));
  }

  void add_expiries(prometheus::Registry& into) const {
    if (!expiries) return;
    auto& family = prometheus::BuildGauge()
                       .Name("muster_certificate_not_after_seconds")
                       .Help("When a certificate ends, Unix seconds")
                       .Register(into);
    for (const auto& expiry : expiries()) {
      family.Add({{"cluster", expiry.cluster}, {"name", expiry.name}, {"kind", expiry.kind}})
          .Set(static_cast<double>(expiry.not_after));
    }
  }

  // A series per cluster and word, never per machine.
  void add_machines(prometheus::Registry& into) const {
    if (!machines) return;
    auto& by_configuration = prometheus::BuildGauge()
                                 .Name("muster_machines")
                                 .Help("Machines by cluster and configuration, as they said last")
                                 .Register(into);
    auto& unwell = prometheus::BuildGauge()
                       .Name("muster_machines_unwell")
                       .Help("Machines on which something that should be in effect is not")
                       .Register(into);
    auto& two_histories =
        prometheus::BuildGauge()
            .Name("muster_machines_two_histories")
            .Help("Machines that know two documents or peer lists of one generation: an alarm")
            .Register(into);
    for (const auto& count : machines()) {
      for (const char* word : {"settled", "trying", "refused", "fallen-back", "unknown"}) {
        const auto found = count.configurations.find(word);
        by_configuration.Add({{"cluster", count.cluster}, {"configuration", word}})
            .Set(found == count.configurations.end() ? 0 : found->second);
      }
      unwell.Add({{"cluster", count.cluster}}).Set(count.unwell);
      two_histories.Add({{"cluster", count.cluster}}).Set(count.two_histories);
    }
  }

  void add_tasks(prometheus::Registry& into) const {
    if (!tasks) return;
    auto& runs = prometheus::BuildCounter()
                     .Name("muster_background_task_runs_total")
                     .Help("Runs of a background task that ended")
                     .Register(into);
    auto& failures = prometheus::BuildCounter()
                         .Name("muster_background_task_failures_total")
                         .Help("Runs of a background task that failed")
                         .Register(into);
    auto& in_row = prometheus::BuildGauge()
                       .Name("muster_background_task_failures_in_row")
                       .Help("Failed runs since the last that succeeded; 0: it is well")
                       .Register(into);
    auto& took = prometheus::BuildGauge()
                     .Name("muster_background_task_seconds")
                     .Help("What the last run of a background task took")
                     .Register(into);
    for (const auto& task : tasks()) {
      runs.Add({{"task", task.name}}).Increment(static_cast<double>(task.runs));
      failures.Add({{"task", task.name}}).Increment(static_cast<double>(task.failures));
      in_row.Add({{"task", task.name}}).Set(static_cast<double>(task.failures_in_row));
      took.Add({{"task", task.name}}).Set(static_cast<double>(task.took.count()) / 1000);
    }
  }

  void add_clock(prometheus::Registry& into) const {
    if (!clock) return;
    const ClockStatus now = clock();
    prometheus::BuildGauge()
        .Name("muster_clock_believed")
        .Help("1 while the server believes its clock; else nothing ends or expires")
        .Register(into)
        .Add({})
        .Set(now.is_believed ? 1 : 0);
    prometheus::BuildGauge()
        .Name("muster_clock_lead_seconds")
        .Help("By how much the clock is ahead of what was expected")
        .Register(into)
        .Add({})
        .Set(static_cast<double>(now.lead));
  }

  void add_quarantined(prometheus::Registry& into) const {
    if (!quarantined) return;
    auto& family =
        prometheus::BuildGauge()
            .Name("muster_cluster_quarantined")
            .Help("Clusters that are served as they were, and for which nothing is published")
            .Register(into);
    for (const auto& cluster : quarantined()) family.Add({{"cluster", cluster}}).Set(1);
  }

  void add_backup(prometheus::Registry& into) const {
    if (!backup) return;
    const auto status = backup();
    if (!status) return;
    prometheus::BuildGauge()
        .Name("muster_backup_unsaved_authorities")
        .Help(
            "Clusters, and the site, whose CA keys are in no backup that is kept and opens with the recovery key")
        .Register(into)
        .Add({})
        .Set(static_cast<double>(status->unrecoverable.size()));
    if (!status->last) return;
    prometheus::BuildGauge()
        .Name("muster_backup_last_timestamp_seconds")
        .Help("When the newest backup that is kept was made")
        .Register(into)
        .Add({})
        .Set(static_cast<double>(status->last->made_at));
  }

  void add_cluster_ends(prometheus::Registry& into) const {
    if (!cluster_ends) return;
    auto& family = prometheus::BuildGauge()
                       .Name("muster_cluster_seconds_left")
                       .Help("Until a cluster on demand ends")
                       .Register(into);
    for (const auto& [cluster, left] : cluster_ends())
      family.Add({{"cluster", cluster}}).Set(static_cast<double>(left));
  }

  void add_due(prometheus::Registry& into) const {
    if (!due) return;
    auto& family = prometheus::BuildGauge()
                       .Name("muster_publication_due_seconds")
                       .Help("How long what was decided of a cluster is not published")
                       .Register(into);
    for (const auto& [cluster, owed_for] : due())
      family.Add({{"cluster", cluster}}).Set(static_cast<double>(owed_for));
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::count_request(ListenerKind listener, std::string_view method, std::string_view route,
                            int status, std::chrono::microseconds took) {
  Series& series = impl_->series_of(listener, method, route, status);
  series.requests.Increment();
  series.durations.Observe(static_cast<double>(took.count()) / 1e6);
}

void Metrics::watch(ListenerKind listener, const ListenerCounters& counters) {
  const std::lock_guard lock(impl_->mutex);
  impl_->watched.push_back({listener, &counters});
}

void Metrics::set_expiries(std::function<std::vector<CertificateExpiry>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->expiries = std::move(ask);
}

void Metrics::set_cluster_ends(std::function<std::map<std::string, std::int64_t>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->cluster_ends = std::move(ask);
}

void Metrics::set_due(std::function<std::map<std::string, std::int64_t>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->due = std::move(ask);
}

void Metrics::set_encodings_pending(std::function<std::size_t()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->encodings_pending = std::move(ask);
}

void Metrics::set_machines(std::function<std::vector<MachineCount>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->machines = std::move(ask);
}

void Metrics::set_tasks(std::function<std::vector<TaskStatus>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->tasks = std::move(ask);
}

void Metrics::set_clock(std::function<ClockStatus()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->clock = std::move(ask);
}

void Metrics::set_backup(std::function<Result<BackupStatus>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->backup = std::move(ask);
}

void Metrics::set_quarantined(std::function<std::vector<std::string>()> ask) {
  const std::lock_guard lock(impl_->mutex);
  impl_->quarantined = std::move(ask);
}

std::string Metrics::text() {
  const std::lock_guard lock(impl_->mutex);
  // What was asked for now lives in a registry of this scrape, so that what is gone leaves no
  // series.
  prometheus::Registry now;
  impl_->add_connections(now);
  impl_->add_expiries(now);
  impl_->add_cluster_ends(now);
  impl_->add_due(now);
  impl_->add_encodings(now);
  impl_->add_machines(now);
  impl_->add_tasks(now);
  impl_->add_clock(now);
  impl_->add_quarantined(now);
  impl_->add_backup(now);
  auto families = impl_->registry.Collect();
  auto more = now.Collect();
  families.insert(families.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace muster
