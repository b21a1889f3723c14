#include "agent/host/systemd_journal.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "result/file_descriptor.hpp"

namespace muster {
namespace {

// "Starting UNIT" and "Started UNIT": systemd.journal-fields(7), the catalog's ids.
constexpr const char* unit_starting = "7d4958e842da4a758f6c1cdc7b36dcc5";
constexpr std::chrono::seconds time_limit{2};
constexpr std::size_t longest_message = 4096;

struct CloseJournal {
  void operator()(sd_journal* journal) const { sd_journal_close(journal); }
};
using OpenJournal = std::unique_ptr<sd_journal, CloseJournal>;

// A program's last words may still be on their way from its pipe to the journal's files: journald
// is asked to write down what it has (as `journalctl --sync` does), and waited for a second.
void await_pending_lines() {
  const FileDescriptor link(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string_view("/run/systemd/journal/io.systemd.journal")
      .copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(link.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  constexpr std::string_view order("{\"method\":\"io.systemd.Journal.Synchronize\"}\0", 44);
  if (::send(link.get(), order.data(), order.size(), MSG_NOSIGNAL) < 0) return;
  pollfd answer{link.get(), POLLIN, 0};
  static_cast<void>(::poll(&answer, 1, 1000));
}

std::string field(sd_journal* journal, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (sd_journal_get_data(journal, name, &data, &size) < 0) return {};
  const std::string_view text(static_cast<const char*>(data), size);
  return std::string(text.substr(text.find('=') + 1));
}

// The unit's own lines, or systemd's about it, in this boot.
int select(sd_journal* journal, const std::string& unit, std::string boot_id) {
  boot_id.erase(std::remove(boot_id.begin(), boot_id.end(), '-'), boot_id.end());
  const auto match = [&](const std::string& text) {
    return sd_journal_add_match(journal, text.c_str(), text.size());
  };
  int result = match("_SYSTEMD_UNIT=" + unit);
  if (result >= 0) result = sd_journal_add_disjunction(journal);
  if (result >= 0) result = match("UNIT=" + unit);
  if (result >= 0) result = match("_PID=1");
  if (result >= 0) result = sd_journal_add_conjunction(journal);
  if (result >= 0 && !boot_id.empty()) result = match("_BOOT_ID=" + boot_id);
  if (result >= 0) result = sd_journal_seek_tail(journal);
  return result;
}

// Newest first, as the journal is read.
void add_lines(std::vector<std::string>& lines, const std::string& message) {
  std::size_t end = message.size();
  while (lines.size() < journal_lines) {
    const std::size_t start = end == 0 ? std::string::npos : message.rfind('\n', end - 1);
    const std::size_t begin = start == std::string::npos ? 0 : start + 1;
    if (end > begin) lines.push_back(message.substr(begin, end - begin));
    if (start == std::string::npos) return;
    end = start;
  }
}

}  // namespace

Result<std::vector<std::string>> SystemdJournal::tail(const std::string& unit,
                                                      const std::string& boot_id) const {
  await_pending_lines();
  const auto end = std::chrono::steady_clock::now() + time_limit;
  const std::string doing = "journal of unit '" + unit + "'";
  sd_journal* raw = nullptr;
  if (const int opened = sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
      opened < 0) {
    return fail_errno(-opened, doing);
  }
  const OpenJournal journal(raw);
  // Longer ones are a crash's memory, and not for a report.
  static_cast<void>(sd_journal_set_data_threshold(raw, longest_message));
  int result = select(raw, unit, boot_id);
  std::vector<std::string> lines;
  bool has_own = false;
  while (result >= 0 && lines.size() < journal_lines && std::chrono::steady_clock::now() < end) {
    result = sd_journal_previous(raw);
    if (result <= 0) break;
    const bool is_own = field(raw, "_SYSTEMD_UNIT") == unit;
    if (!is_own && has_own && field(raw, "MESSAGE_ID") == unit_starting) break;
    has_own = has_own || is_own;
    add_lines(lines, field(raw, "MESSAGE"));
  }
  if (result < 0) return fail_errno(-result, doing);
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace muster
