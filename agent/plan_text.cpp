#include "agent/plan_text.hpp"

#include <fmt/ranges.h>

#include <sstream>
#include <string_view>

namespace muster {
namespace {

struct Line {
  std::string operator()(const InstallRelease& action) const {
    return fmt::format("install release {} {} ({:.1f} MB)", action.release.name,
                       action.release.version, static_cast<double>(action.release.size) / 1e6);
  }
  std::string operator()(const BringReleases& action) const {
    std::string text;
    for (const auto& release : action.releases) {
      text += fmt::format("{} {} {} ({:.1f} MB)", text.empty() ? "bring release" : ",",
                          release.name, release.version, static_cast<double>(release.size) / 1e6);
    }
    return text;
  }
  std::string operator()(const MakeAccount& action) const { return "make account " + action.name; }
  std::string operator()(const ObtainCertificates& action) const {
    return fmt::format("obtain {} certificate{}", action.certificates.size(),
                       action.certificates.size() == 1 ? "" : "s");
  }
  std::string operator()(const FetchSecret& action) const {
    return fmt::format("{} secret '{}' version {} {} {}", action.compares ? "compare" : "fetch",
                       action.secret.name, action.secret.version, action.compares ? "with" : "to",
                       action.secret.path);
  }
  std::string operator()(const MakeDirectory& action) const {
    return "make folder " + action.directory.path;
  }
  std::string operator()(const WriteFile& action) const { return "write " + action.file.path; }
  std::string operator()(const RemovePath& action) const { return "remove " + action.path; }
  std::string operator()(const CorrectFile& action) const { return "put right " + action.path; }
  std::string operator()(const ReloadServiceManager&) const { return "reload systemd's units"; }
  std::string operator()(const StartUnits& action) const {
    return fmt::format("start {}", fmt::join(action.units, " "));
  }
  std::string operator()(const RestartUnits& action) const {
    return fmt::format("restart {}", fmt::join(action.units, " "));
  }
  std::string operator()(const ReloadUnits& action) const {
    return fmt::format("reload {}", fmt::join(action.units, " "));
  }
  std::string operator()(const StopUnits& action) const {
    return fmt::format("stop {}", fmt::join(action.units, " "));
  }
  std::string operator()(const ImportImage& action) const {
    return "import image " + action.archive;
  }
};

std::vector<std::string> text_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// What is left after the equal head and tail: enough for configuration files, where one line
// changes.
std::string difference(const std::string& before, const std::string& after) {
  const auto old_lines = text_lines(before), new_lines = text_lines(after);
  std::size_t head = 0;
  const auto shorter = std::min(old_lines.size(), new_lines.size());
  while (head < shorter && old_lines[head] == new_lines[head]) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head &&
         old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) {
    ++tail;
  }
  std::string text;
  for (std::size_t i = head; i < old_lines.size() - tail; ++i) {
    text += "      - " + old_lines[i] + "\n";
  }
  for (std::size_t i = head; i < new_lines.size() - tail; ++i) {
    text += "      + " + new_lines[i] + "\n";
  }
  return text;
}

}  // namespace

std::string_view name(Cost cost) {
  switch (cost) {
    case Cost::none:
      return "none";
    case Cost::restart:
      return "restart";
    case Cost::drain:
      return "drain";
    case Cost::reboot:
      return "reboot";
  }
  return "none";
}

std::string to_line(const Action& action) {
  return std::visit(Line{}, action);
}

std::string to_text(const Plan& plan, const Filesystem& files) {
  std::string text;
  for (const auto& planned : plan.actions) {
    text += "  " + to_line(planned.action);
    if (planned.cost != Cost::none) text += fmt::format(" [{}]", name(planned.cost));
    if (!planned.reason.empty()) text += fmt::format(" ({})", planned.reason);
    text += "\n";
    const auto* write = std::get_if<WriteFile>(&planned.action);
    if (write == nullptr || write->file.is_secret) continue;
    const auto before = files.read(write->file.path);
    text += difference(before ? *before : std::string(), write->file.content);
  }
  for (const auto* lines : {&plan.pending, &plan.next_boot}) {
    for (const auto& line : *lines) text += "  pending: " + line + "\n";
  }
  if (text.empty()) return "nothing to do\n";
  return text;
}

}  // namespace muster
