#include "fleet/boot_decision.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "fleet/disk_wipes.hpp"
#include "pki/unix_seconds.hpp"

namespace muster {
namespace {

// From the archive until the kernel runs: iPXE hands over at once.
constexpr std::int64_t longest_handover_us = 120 * microseconds_per_second;
// Reports are some milliseconds on their way; less than this is no better knowledge.
constexpr std::int64_t precision_us = microseconds_per_second / 2;

// The machine counts since its kernel began. Reports that waited for the server say too late a
// time.
std::int64_t kernel_start(const Report& report, TimePoint now) {
  return unix_microseconds(now) - static_cast<std::int64_t>(report.counter);
}

bool is_believable(const Report& report) {
  constexpr std::uint64_t ten_years = 3650ull * 86400 * microseconds_per_second;
  return report.counter < ten_years;
}

}  // namespace

bool has_failed_to_start(const BootRecord& record, std::string_view image) {
  return record.image == image && record.starts >= most_starts;
}

bool is_to_go_back(const BootRecord& record, std::string_view image, TimePoint now) {
  if (record.good.empty() || record.good == image) return false;
  if (record.refused == image) return true;
  // A machine that comes back much later was off, and is tried anew.
  return has_failed_to_start(record, image) && unix_seconds(now) < record.claim_until;
}

void note_handed_out(BootRecord& record, const HandedOut& handed_out, TimePoint now) {
  const std::int64_t at = unix_microseconds(now);
  const bool goes_on = record.image == handed_out.image && record.starts > 0 &&
                       unix_seconds(now) < record.claim_until;
  if (!goes_on) {
    record.starts = 1;
  } else if (at - record.archive_at >= one_start.count() * microseconds_per_second) {
    ++record.starts;
  }
  // By what its document names, it is refused nothing.
  const std::string refused =
      handed_out.image == handed_out.wanted ? std::string() : handed_out.wanted;
  if (record.refused != refused) {
    record.refused = refused;
    record.refused_at = refused.empty() ? 0 : at;
  }
  record.image = handed_out.image;
  record.source = handed_out.source;
  record.script_at = handed_out.script_at;
  record.archive_at = at;
  record.claim_until = handed_out.claim_until;
  record.failure.clear();
  record.failed_at = 0;
}

bool note_report(BootRecord& record, const Report& report, bool is_ready, TimePoint now) {
  if (report.boot_image.empty() || report.boot_id.empty() || report.is_stopping) return false;
  bool is_news = false;
  if (record.boot_id != report.boot_id) {
    record.boot_id = report.boot_id;
    record.heard_at = unix_microseconds(now);
    record.kernel_at = record.ready_at = 0;
    is_news = true;
  }
  if (std::exchange(record.running, report.boot_image) != report.boot_image) is_news = true;
  const std::int64_t kernel = is_believable(report) ? kernel_start(report, now) : 0;
  if (kernel != 0 && (record.kernel_at == 0 || kernel < record.kernel_at - precision_us)) {
    record.kernel_at = kernel;
    is_news = true;
  }
  const bool made_disk =
      std::any_of(report.phases.begin(), report.phases.end(),
                  [](const Phase& phase) { return phase.name == disk_made_phase; });
  if (made_disk && record.wipe_handed_at != 0 && record.wiped_at == 0 &&
      kernel > record.wipe_handed_at - precision_us) {
    record.wiped_at = unix_microseconds(now);
    is_news = true;
  }
  if (!is_ready || record.ready_at != 0) return is_news;
  record.ready_at = unix_microseconds(now);
  record.good = record.running;
  record.starts = 0;
  if (record.refused == record.good) {
    record.refused.clear();
    record.refused_at = 0;
  }
  return true;
}

std::string_view name(BootState state) {
  switch (state) {
    case BootState::unknown:
      return "unknown";
    case BootState::accepted:
      return "accepted";
    case BootState::provisioning:
      return "provisioning";
    case BootState::running:
      return "running";
    case BootState::reprovision:
      return "reprovision";
  }
  return "unknown";
}

BootState boot_state_of(const BootRecord& record, const ToldScript& script, bool heard,
                        bool ready) {
  if (record.reprovision_at != 0) return BootState::reprovision;
  if (script.at > std::max(record.archive_at, record.heard_at)) return BootState::accepted;
  if (record.archive_at > record.heard_at) return BootState::provisioning;
  if (heard) return ready ? BootState::running : BootState::provisioning;
  return record.heard_at != 0 ? BootState::running : BootState::unknown;
}

BootTimeline whole_timeline(BootTimeline reported, const BootRecord& record) {
  const auto kernel = std::find_if(reported.phases.begin(), reported.phases.end(),
                                   [](const Phase& phase) { return phase.name == "kernel"; });
  const bool is_of_this_boot = reported.boot_id == record.boot_id && record.kernel_at != 0 &&
                               record.script_at != 0 && record.archive_at >= record.script_at &&
                               std::abs(record.kernel_at - record.archive_at) < longest_handover_us;
  if (kernel == reported.phases.end() || !is_of_this_boot) return reported;
  const auto placed = [&](std::int64_t at) { return kernel->start_us + at - record.kernel_at; };
  Phase ipxe{"ipxe", placed(record.script_at), kernel->start_us,
             fmt::format("{}; its settings {:.2f} s later", record.image,
                         static_cast<double>(record.archive_at - record.script_at) /
                             microseconds_per_second)};
  // The server's clock may be some milliseconds beside the machine's.
  ipxe.end_us = std::max(ipxe.start_us, ipxe.end_us);
  const std::int64_t shift = std::max<std::int64_t>(0, -ipxe.start_us);
  ipxe.start_us += shift;
  ipxe.end_us += shift;
  for (Phase& phase : reported.phases) {
    phase.start_us += shift;
    if (phase.end_us != 0) phase.end_us += shift;  // 0: it runs
  }
  reported.phases.insert(kernel, std::move(ipxe));
  return reported;
}

}  // namespace muster
