#include "agent/slots.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "agent/foundation/release_fetch.hpp"
#include "agent/foundation/release_place.hpp"
#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr const char* none = ".";
constexpr std::chrono::minutes write_limit(15);

// What `slot show` says, a name and what follows it on each line.
using Slots = std::map<std::string, std::string>;

Slots read_slots(const Filesystem& files) {
  Slots slots;
  const auto text = files.read(paths::slots, 4096);
  if (!text) return slots;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    if (space != std::string::npos) slots[line.substr(0, space)] = line.substr(space + 1);
  }
  return slots;
}

std::string first_word(const std::string& text) {
  return text.substr(0, text.find(' '));
}
std::string rest_of(const std::string& text) {
  const auto space = text.find(' ');
  return space == std::string::npos ? std::string() : text.substr(space + 1);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Of the image and the words that go with it: a slot with this one holds what is wanted.
std::string order_of(const ReleaseReference& image, const DesiredState& desired) {
  return sha256_digest(image.manifest_digest + " " + joined(desired.kernel_arguments));
}

// It need not be written where it runs, waits to be tried, or was tried and did not come up.
bool is_there(const Slots& slots, const std::string& order) {
  return std::any_of(slots.begin(), slots.end(), [&](const auto& entry) {
    const auto& [name, value] = entry;
    if (name != "started" && name != "good" && name != "once" && name != "failed") return false;
    const auto slot = slots.find(first_word(value));
    return slot != slots.end() && first_word(slot->second) == order;
  });
}

Result<std::string> order_text(const Filesystem& files, const ReleaseReference& image,
                               const Release& release, const DesiredState& desired) {
  const std::string folder = release_folder(image);
  auto own = files.read(folder + "/arguments", 4096);
  if (!own) return pass(own.error());
  std::replace(own->begin(), own->end(), '\n', ' ');
  std::string text =
      fmt::format("image {}/{}\nfolder {}\norder {}\narguments {}{}\n", image.name, image.version,
                  folder, order_of(image, desired), *own, joined(desired.kernel_arguments));
  for (const auto& [name, path] :
       {std::pair{"kernel", "vmlinuz"}, {"initrd", "initrd"}, {"root", "root.squashfs"}}) {
    const auto found = std::find_if(release.artifacts.begin(), release.artifacts.end(),
                                    [path = path](const auto& file) { return file.path == path; });
    if (found == release.artifacts.end())
      return fail(ErrorKind::conflict, fmt::format("{} has no file {}", image.name, path));
    text += fmt::format("{} {}\n", name, found->digest);
  }
  return text;
}

Result<void> run_slot(Host& host, const std::string& word) {
  return host.services.start({fmt::format("muster-slot@{}.service", word)}, write_limit);
}

// By way of the state's own file system, as any release is brought; it does not stay there.
Result<void> write_slot(Run& run, const ConvergeState& state, const ReleaseReference& image) {
  auto& files = run.host.files;
  const auto brought = fetch_releases(run.host, run.network, {image}, sources_of(state));
  if (!brought.front()) return pass(brought.front().error());
  const auto text = order_text(files, image, *brought.front(), state.desired);
  if (!text) return pass(text.error());
  if (auto made = files.make_directory(paths::runtime, 0700); !made) return made;
  if (auto written = files.write(paths::slot_order, *text, 0600); !written) return written;
  if (auto done = run_slot(run.host, "write"); !done) return done;
  return files.remove(release_folder(image));
}

void tell_failed(const Slots& slots, ConvergeState& state) {
  const std::string failed = slots.at("failed");
  if (failed == none) return;
  const std::string slot = first_word(failed);
  const auto holds = slots.find(slot);
  const std::string image = holds == slots.end() ? std::string() : rest_of(holds->second);
  state.add_unwell(
      {{"slot " + slot,
        fmt::format(
            "{} did not come up: it ended in the phase {}, and the machine went back to what it ran before; publish another image, or order `/usr/lib/muster/slot {}` there, which tries it once more",
            image, rest_of(failed), slot),
        0}});
}

}  // namespace

ConvergeResult<> keep_slots(Run& run, ConvergeState& state) {
  Slots slots = read_slots(run.host.files);
  for (const char* name : {"started", "good", "spare", "once", "failed"}) {
    if (slots.count(name) == 0) return {};
  }
  tell_failed(slots, state);
  if (!is_settled(run, state) || state.not_ready) return {};
  const auto tell = [&](const Error& error) { state.add_unwell({{"slots", error.message, 0}}); };
  const std::string started = slots["started"];
  // A slot that settled before and was started once stays what it is: it is told so once.
  const bool is_news = started != slots["spare"] || !run.memory.has_run;
  if (started != none && started != slots["good"] && is_news) {
    if (auto done = run_slot(run.host, "good"); !done) tell(done.error());
  }
  const auto& image = state.document.config.netboot;
  // The machine is Ready first.
  if (!image || state.kind != RunKind::running || state.server() == nullptr) return {};
  if (is_there(slots, order_of(*image, state.desired))) return {};
  if (auto done = write_slot(run, state, *image); !done) tell(done.error());
  return {};
}

}  // namespace muster
