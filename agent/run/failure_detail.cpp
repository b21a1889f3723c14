#include "agent/run/failure_detail.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>

#include "agent/host/observe.hpp"
#include "agent/paths.hpp"
#include "agent/run/full_disks.hpp"
#include "document/utf8.hpp"

namespace muster {
namespace {

constexpr std::uint64_t too_little = 64u << 20;  // bytes free, where a machine begins to fail

bool says(const Failure& failure, std::string_view words) {
  const auto has = [&](const std::string& text) { return text.find(words) != std::string::npos; };
  return has(failure.error.message) ||
         std::any_of(failure.detail.log.begin(), failure.detail.log.end(), has);
}

// The first path in ticks.
std::string path_in(std::string_view text) {
  const auto begin = text.find("'/");
  if (begin == std::string_view::npos) return {};
  const auto end = text.find('\'', begin + 1);
  return std::string(text.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1));
}

std::string cure_of_disk(const Filesystem& files, const Failure& failure) {
  const std::string full = full_disks(files, too_little, path_in(failure.error.message));
  if (full.empty()) return {};
  const std::string crictl = paths::program("cri-tools", "crictl");
  const std::string images = files.status(crictl)
                                 ? fmt::format(", `{} --runtime-endpoint=unix://{} rmi --prune`",
                                               crictl, paths::containerd_socket)
                                 : "";
  return fmt::format(
      "free space on the file system of {}: see `du -xh / | sort -h | tail`, `journalctl --vacuum-size=50M`{}; it goes on by itself then",
      full, images);
}

// Ports as programs write them before "address already in use": ":10250", "[::]:10250".
std::vector<std::uint16_t> ports_in(std::string_view text) {
  std::vector<std::uint16_t> ports;
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
    std::uint16_t port = 0;
    const char* begin = text.data() + at + 1;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(begin, end, port);
    const bool is_whole = rest == end || *rest == ':' || *rest == ' ' || *rest == '"';
    if (error == std::errc() && is_whole && port >= 80) ports.push_back(port);
  }
  return ports;
}

std::string cure_of_port(const Filesystem& files, const Failure& failure) {
  constexpr std::string_view words = "address already in use";
  std::vector<std::uint16_t> ports = ports_in(failure.error.message);
  for (const auto& line : failure.detail.log) {
    if (line.find(words) == std::string::npos) continue;
    const auto found = ports_in(line);
    ports.insert(ports.end(), found.begin(), found.end());
  }
  std::string text;
  for (const auto& [port, holder] : listeners_on(files, ports)) {
    text += fmt::format("{}port {} is held by {}", text.empty() ? "" : ", ", port, holder);
  }
  return text.empty() ? "find who holds the port with `ss -ltnp` and stop it" : text + "; stop it";
}

// Of kubelet and the runtime: what worked before is put back by the agent.
std::string cure_of_health(const Failure& failure) {
  if (failure.error.kind == ErrorKind::not_found)
    return "nobody has to do anything yet: this machine restarts kubelet, so that it registers its Node again; each further time after a longer pause, up to half an hour. Who wants the machine out of the cluster takes it out of the inventory";
  if (failure.kind == FailureClass::kubelet && failed_unit(failure).empty())
    return "nobody has to do anything yet: this machine starts kubelet where it stopped, restarts one that hangs, and looks again at each poll; what lasts longer is in the lines of kubelet.service";
  return fmt::format(
      "this machine starts {0} again by itself, after pauses that grow from 30 s to half an hour; the document worked here before, so look for what else changed: what its lines name, a drop-in (`systemctl cat {0}`)",
      failure.detail.unit);
}

std::string cure_of_unit(const Failure& failure, FailureOf of) {
  if (failure.detail.unit.empty()) return {};
  if (of == FailureOf::health) return cure_of_health(failure);
  return fmt::format(
      "correct what the lines of {} name: where it is a setting, in the inventory, then run `muster apply DIR`",
      failure.detail.unit);
}

std::string cure_of_class(const Failure& failure, const Run& run, FailureOf of) {
  const auto& servers = run.settings.enrol_servers;
  switch (failure.kind) {
    case FailureClass::network:
      if (failure.error.kind == ErrorKind::invalid) return {};
      return fmt::format(
          "see that this machine reaches {}: `ip route get ADDRESS`, firewall, cable",
          servers.empty() ? "its server" : fmt::format("{}", fmt::join(servers, " ")));
    case FailureClass::api:
      if (!failure.detail.unit.empty()) return cure_of_unit(failure, of);
      return "see that this machine reaches the API server that the message names (`ip route get ADDRESS`, firewall) and that a master runs; it goes on by itself then";
    case FailureClass::package:
      return "import the release again on the server (`muster release import DIR|URL`); where a mirror is listed, mend its copy";
    case FailureClass::document:
      return "correct the inventory and run `muster apply DIR`";
    case FailureClass::etcd:
      return "see the lines of etcd's log, and its other members by `muster status`";
    case FailureClass::kubelet:
    case FailureClass::runtime:
      return cure_of_unit(failure, of);
    case FailureClass::disk:
    case FailureClass::identity:
    case FailureClass::clock:
      return {};
  }
  return {};
}

std::string cure_of(const Failure& failure, const Run& run, FailureOf of) {
  const auto& files = run.host.files;
  const bool is_of_space = failure.kind == FailureClass::disk ||
                           failure.error.kind == ErrorKind::exhausted ||
                           says(failure, "no space left on device");
  if (is_of_space) {
    if (auto cure = cure_of_disk(files, failure); !cure.empty()) return cure;
  }
  if (says(failure, "address already in use")) return cure_of_port(files, failure);
  return cure_of_class(failure, run, of);
}

// A program of Go that panics says why first, and then where, in more lines than anybody reads.
std::vector<std::string> without_stacks(const std::vector<std::string>& lines,
                                        const std::string& unit) {
  std::vector<std::string> kept;
  bool is_in_stack = false;
  for (const auto& line : lines) {
    if (line.rfind("goroutine ", 0) == 0) is_in_stack = true;
    if (line.rfind(unit + ":", 0) == 0) is_in_stack = false;  // systemd's own word
    if (!is_in_stack) kept.push_back(line);
  }
  constexpr std::size_t enough = 20;
  if (kept.size() > enough) kept.erase(kept.begin(), kept.end() - enough);
  return kept;
}

bool is_of_the_component(const std::string& line, const std::string& unit) {
  // systemd's own words.
  return line.rfind(unit + ":", 0) != 0 && line.find(unit + " - ") == std::string::npos;
}

// klog's "E1201 10:00:00.000000    1234 run.go:72] " says when and where, and what follows why.
std::string_view without_klog_head(std::string_view line) {
  const bool is_klog = line.size() > 5 && std::isupper(static_cast<unsigned char>(line[0])) != 0 &&
                       std::all_of(line.begin() + 1, line.begin() + 5,
                                   [](char letter) { return letter >= '0' && letter <= '9'; });
  const auto end = is_klog ? line.find("] ") : std::string_view::npos;
  return end == std::string_view::npos ? line : line.substr(end + 2);
}

// Of klog, of logfmt, of etcd's JSON.
bool is_informational(std::string_view line) {
  return (line.size() > 1 && line[0] == 'I' && line != without_klog_head(line)) ||
         line.find("level=info") != std::string_view::npos ||
         line.find(R"("level":"info")") != std::string_view::npos;
}

// Why the component ended, in its own words; empty where it says no such thing.
std::string decisive_line(const std::vector<std::string>& lines, const std::string& unit) {
  constexpr std::array<std::string_view, 5> marks{"err=", "error", "panic:", "fatal",
                                                  "command failed"};
  constexpr std::size_t longest = 200;
  const auto is_decisive = [&](const std::string& line) {
    std::string lower = line;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    return is_of_the_component(line, unit) && !is_informational(line) &&
           std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) {
             return lower.find(mark) != std::string::npos;
           });
  };
  const auto found = std::find_if(lines.rbegin(), lines.rend(), is_decisive);
  return found == lines.rend() ? std::string()
                               : std::string(cut_text(without_klog_head(*found), longest));
}

// "unit 'kubelet.service': job ended 'failed': LINE; journalctl -u kubelet.service -b"
void add_decisive_line(Failure& failure) {
  const std::string& unit = failure.detail.unit;
  const auto at = failure.error.message.find(fmt::format("; journalctl -u {} -b", unit));
  const std::string line = decisive_line(failure.detail.log, unit);
  if (at != std::string::npos && !line.empty()) failure.error.message.insert(at, ": " + line);
}

// The component that is to be looked at where no job failed.
std::string unit_of_class(FailureClass kind) {
  return kind == FailureClass::kubelet ? "kubelet.service" : std::string();
}

// What the failures of one run need once: the mask, and the last lines of each unit.
class Explainer {
 public:
  Explainer(const Run& run, SecretMask mask, FailureOf of)
      : run_(run), mask_(std::move(mask)), of_(of) {}

  void explain(Failure& failure) {
    FailureDetail& detail = failure.detail;
    failure.error.message = mask_.apply(failure.error.message);
    if (detail.unit.empty()) detail.unit = failed_unit(failure);
    if (detail.unit.empty()) detail.unit = unit_of_class(failure.kind);
    if (!detail.unit.empty() && detail.log.empty()) detail.log = last_lines(detail.unit);
    if (detail.cure.empty()) detail.cure = cure_of(failure, run_, of_);
    add_decisive_line(failure);
    failure.is_explained = true;
  }

  [[nodiscard]] std::string masked_text(std::string text) const {
    return mask_.apply(std::move(text));
  }

 private:
  const std::vector<std::string>& last_lines(const std::string& unit) {
    const auto [found, is_new] = lines_.try_emplace(unit);
    auto& lines = found->second;
    if (!is_new) return lines;
    if (const auto tail = run_.host.journal.tail(unit, run_.reporter.report().boot_id)) {
      lines = mask_.apply(without_stacks(*tail, unit));
      for (auto& line : lines) line = std::string(cut_text(line, longest_log_line));
    }
    return lines;
  }

  const Run& run_;
  SecretMask mask_;
  FailureOf of_;
  std::map<std::string, std::vector<std::string>> lines_;
};

}  // namespace

SecretMask machine_secrets(const Run& run, const DesiredState& desired) {
  SecretMask mask;
  mask.add(run.settings.token);
  for (const auto& file : desired.files) {
    if (file.is_secret) mask.add(file.content);
  }
  std::vector<std::string> held = {paths::identity_key};
  for (const auto& secret : desired.secrets) held.push_back(secret.path);
  for (const auto& [path, version] : run.checkpoint.secrets) held.push_back(path);
  for (const auto& spec : desired.certificates) {
    held.push_back(paths::certificate(spec.name, "tls.key"));
  }
  mask.add_files(run.host.files, held);
  return mask;
}

std::string failed_unit(const Failure& failure) {
  constexpr std::string_view mark = "unit '";
  const std::string& text = failure.error.message;
  std::string first;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    at += mark.size();
    std::string unit = text.substr(at, text.find('\'', at) - at);
    if (unit.find_first_of(" /\n") != std::string::npos) continue;
    if (first.empty()) first = unit;
    if (class_of(StartUnits{}, {ErrorKind::io, unit}) == failure.kind) return unit;
  }
  return first;
}

void add_details(const std::vector<Failure*>& failures, std::vector<HealthProblem>& unwell,
                 const Run& run, const DesiredState& desired, FailureOf of) {
  if (failures.empty() && unwell.empty()) return;
  Explainer explainer(run, machine_secrets(run, desired), of);
  for (Failure* failure : failures) {
    if (failure->is_explained) continue;
    const std::string before = failure->error.message;
    explainer.explain(*failure);
    run.memory.backoff.explained(*failure);
    for (auto& problem : unwell) {
      if (problem.message == before) problem.message = failure->error.message;
    }
  }
  for (auto& problem : unwell) problem.message = explainer.masked_text(std::move(problem.message));
}

}  // namespace muster
