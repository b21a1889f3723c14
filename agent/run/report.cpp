#include "agent/run/report.hpp"

#include <algorithm>

#include "agent/host/notify.hpp"
#include "agent/paths.hpp"
#include "agent/run/initrd_phases.hpp"
#include "agent/state/checkpoint_json.hpp"
#include "document/document_format.hpp"
#include "result/version.hpp"

namespace muster {
namespace {

// Begun in each run, whether there is anything to do or not.
bool is_of_every_run(std::string_view phase) {
  return phase == "fetch" || phase == "node-ready";
}

}  // namespace

using std::chrono::duration_cast;

Reporter::Reporter(Host& host, Checkpoint& checkpoint, Memory& memory,
                   std::function<void(std::string_view)> narrate)
    : host_(host), checkpoint_(checkpoint), memory_(memory), narrate_(std::move(narrate)) {
  report_.agent_version = program_version;
  report_.document_format = newest_document_format;
}

void Reporter::place_on_timeline() {
  if (is_placed_) return;
  is_placed_ = true;
  const auto times = host_.services.boot_timestamps();
  if (!times) return;
  const auto kernel = times->find("kernel");
  if (kernel != times->end()) clock_offset_us_ = kernel->second;
  // The boot before the agent: each stage ends where the next begins.
  std::vector<Phase> phases;
  for (const auto* stage : {"firmware", "loader", "kernel", "initrd", "userspace"}) {
    const auto found = times->find(stage);
    if (found == times->end() || found->second < 0) continue;
    if (!phases.empty()) phases.back().end_us = found->second;
    phases.push_back({stage, found->second, 0, {}});
    if (stage != std::string_view("kernel")) continue;
    for (auto& phase : initrd_phases(host_.files, found->second)) {
      phases.back().end_us = phase.start_us;
      phases.push_back(std::move(phase));
    }
  }
  for (auto& phase : report_.phases) {
    phase.start_us += clock_offset_us_;
    if (phase.end_us != 0) phase.end_us += clock_offset_us_;
    if (!phases.empty() && phases.back().end_us == 0) phases.back().end_us = phase.start_us;
    phases.push_back(phase);
  }
  report_.phases = std::move(phases);
}

std::int64_t Reporter::now_us() const {
  return duration_cast<std::chrono::microseconds>(host_.clock.since_boot()).count() +
         clock_offset_us_;
}

void Reporter::end_phase() {
  if (!report_.phases.empty() && report_.phases.back().end_us == 0) {
    report_.phases.back().end_us = now_us();
  }
}

void Reporter::begin(const std::string& phase, const std::string& detail) {
  end_phase();
  report_.phases.push_back({phase, now_us(), 0, detail});
  if (is_of_every_run(phase) && detail.empty()) {
    narrate_state(phase);
  } else {
    narrate_(detail.empty() ? phase : fmt::format("{}: {}", phase, detail));
  }
  if (server_ == nullptr || host_.clock.since_boot() < next_report_) return;
  report_.verdict = Verdict::converging;
  // A phase that was not heard of is in the next report.
  static_cast<void>(send());
}

void Reporter::note(std::string_view line) {
  if (!report_.phases.empty()) report_.phases.back().detail = line;
  narrate_(line);
}

void Reporter::note_state(std::string_view line) {
  if (!report_.phases.empty()) report_.phases.back().detail = line;
  narrate_state(line);
}

void Reporter::narrate_state(std::string_view line) {
  states_.emplace(line);
  if (memory_.told.count(std::string(line)) > 0) {
    notify_status(line);
  } else {
    narrate_(line);
  }
}

ReportAnswer Reporter::finish(Verdict verdict, std::string_view failure_class,
                              std::string_view message) {
  place_on_timeline();
  end_phase();
  report_.verdict = verdict;
  report_.failure_class = failure_class;
  report_.message = message;
  checkpoint_.last_verdict = name(verdict);
  checkpoint_.last_message = message;
  narrate_state(message.empty() ? std::string(name(verdict))
                                : fmt::format("{}: {}", name(verdict), message));
  memory_.told = std::move(states_);
  // For `muster-agent status`; a disk that is full is told of by the report.
  keep_checkpoint();
  if (server_ != nullptr) {
    send_spooled();
    report_.asks_turn = asks_turn_ && verdict != Verdict::converged;
    const auto answer = send();
    report_.asks_turn = false;
    was_heard_ = answer.has_value();
    if (answer) return {answer->poll_after, is_ordered_, answer->turn_waits_for};
  }
  spool();
  ReportAnswer answer;
  answer.converge = is_ordered_;
  return answer;
}

void Reporter::keep_checkpoint() {
  memory_.unsaved_checkpoint.clear();
  memory_.checkpoint_on_disk.clear();
  if (save(checkpoint_, host_.files)) return;
  memory_.unsaved_checkpoint = to_json(checkpoint_);
  const auto on_disk = host_.files.read(paths::checkpoint, largest_checkpoint);
  if (on_disk) memory_.checkpoint_on_disk = *on_disk;
}

// The server compares the numbers of one boot (clone_detection.hpp): its microseconds are a number
// that no other run has told, and that needs no disk to be remembered on.
void Reporter::number_report() {
  report_.sent_at = std::chrono::system_clock::to_time_t(host_.clock.now());
  const auto since_boot = duration_cast<std::chrono::microseconds>(host_.clock.since_boot());
  memory_.last_report =
      std::max(memory_.last_report + 1, static_cast<std::uint64_t>(since_boot.count()));
  report_.counter = memory_.last_report;
  report_.heard_order = memory_.heard_order;
}

Result<ReportAnswer> Reporter::send() {
  place_on_timeline();
  next_report_ = host_.clock.since_boot() + std::chrono::seconds(1);
  number_report();
  return hand_over(report_);
}

Result<ReportAnswer> Reporter::tell_again(Report last) {
  report_ = std::move(last);
  report_.agent_version = program_version;
  number_report();
  auto answer = hand_over(report_);
  if (answer) answer->converge = is_ordered_;
  return answer;
}

Result<ReportAnswer> Reporter::hand_over(const Report& report) {
  auto answer = server_->report(report);
  // Said to whichever report came first, and again until the next one tells that it was heard.
  if (answer && answer->converge) {
    is_ordered_ = true;
    memory_.heard_order = answer->order;
  }
  return answer;
}

void Reporter::send_spooled() {
  const std::string folder = paths::report_spool;
  const auto names = host_.files.list(folder);
  if (!names) return;
  for (const auto& file : *names) {
    const std::string path = folder + "/" + file;
    const auto text = host_.files.read(path);
    auto report = text ? parse_report(*text) : Result<Report>(pass(text.error()));
    if (report) {
      const auto answer = hand_over(*report);
      const bool try_later = !answer && (answer.error().kind == ErrorKind::unavailable ||
                                         answer.error().kind == ErrorKind::timeout);
      if (try_later) return;
    }
    // Sent, refused for good, or unreadable: in every case it must not come again.
    static_cast<void>(host_.files.remove(path));
  }
}

void Reporter::spool() {
  const std::string folder = paths::report_spool;
  number_report();
  if (!host_.files.make_directory(folder, 0700)) return;
  // Twenty digits, so that the names sort like the times; numbers are of one boot alone.
  const auto name = fmt::format("{:020}-{:020}.json", report_.sent_at, report_.counter);
  static_cast<void>(host_.files.write(fmt::format("{}/{}", folder, name), to_json(report_), 0600));
  const auto names = host_.files.list(folder);
  for (std::size_t i = 0; names && i + spool_limit < names->size(); ++i) {
    static_cast<void>(host_.files.remove(folder + "/" + (*names)[i]));
  }
}

}  // namespace muster
