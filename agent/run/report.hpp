// What the server hears of a run: phases as they begin, the verdict at the end, failures too. Never
// fails a converge: what cannot be sent is spooled and sent at the next contact. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "agent/host/host.hpp"
#include "agent/run/memory.hpp"
#include "agent/server.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/report.hpp"

namespace muster {

class Reporter {
 public:
  // `narrate` gets one line per phase and verdict, for the journal and STATUS=.
  Reporter(Host& host, Checkpoint& checkpoint, Memory& memory,
           std::function<void(std::string_view)> narrate);

  // From now on reports go to `server`; nullptr: it is away.
  void connect(Server* server) { server_ = server; }
  // Ends the running phase and begins another; tells the server, at most once a second.
  void begin(const std::string& phase, const std::string& detail = {});
  // A line for people, and the running phase's detail on the server.
  void note(std::string_view line);
  // Likewise, of how things are: the journal has it once for as long as every run says so.
  void note_state(std::string_view line);
  // A line for people alone.
  void say(std::string_view line) { narrate_(line); }
  // The run's last report asks for the machine's turn, where something waits for it; one that is
  // spooled does not.
  void ask_turn() { asks_turn_ = true; }
  // The run's verdict, sent or spooled. Tells what the server answered, if it did;
  // `converge` where it answered so to any report of this run.
  [[nodiscard]] ReportAnswer finish(Verdict verdict, std::string_view failure_class,
                                    std::string_view message);

  // What was told last, once more, with what is wrong since: without the run lock, so that nothing
  // is written.
  [[nodiscard]] Result<ReportAnswer> tell_again(Report last);

  // Whether the server heard the verdict.
  [[nodiscard]] bool was_heard() const { return was_heard_; }

  // Fields that the phases of a run fill in.
  [[nodiscard]] Report& report() { return report_; }

 private:
  // A line that the run before had too is for STATUS= alone.
  void narrate_state(std::string_view line);
  [[nodiscard]] std::int64_t now_us() const;  // since power-on, once placed
  // Asks systemd when power-on was. As late as possible: nothing of a boot waits for the answer.
  void place_on_timeline();
  void end_phase();
  [[nodiscard]] Result<ReportAnswer> send();
  [[nodiscard]] Result<ReportAnswer> hand_over(const Report& report);
  void keep_checkpoint();
  void number_report();
  void send_spooled();
  void spool();

  Host& host_;
  Checkpoint& checkpoint_;
  Memory& memory_;
  std::function<void(std::string_view)> narrate_;
  Server* server_ = nullptr;
  Report report_;
  std::set<std::string> states_;  // this run's lines of how things are
  bool is_placed_ = false;
  bool is_ordered_ = false;
  bool asks_turn_ = false, was_heard_ = false;
  std::int64_t clock_offset_us_ = 0;
  std::chrono::nanoseconds next_report_{0};  // CLOCK_BOOTTIME
};

// At most this many reports wait for the server; the oldest are dropped.
inline constexpr std::size_t spool_limit = 20;

}  // namespace muster
