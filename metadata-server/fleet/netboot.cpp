#include "fleet/netboot.hpp"

#include <algorithm>
#include <sstream>

#include "document/field_syntax.hpp"
#include "document/problem.hpp"
#include "document/utf8.hpp"
#include "enrolment/claim.hpp"
#include "fleet/boot_decision.hpp"
#include "fleet/disk_wipes.hpp"
#include "fleet/kept_images.hpp"
#include "fleet/served_document.hpp"
#include "fleet/standing.hpp"
#include "inventory/netboot.hpp"
#include "pki/unix_seconds.hpp"
#include "records/revision.hpp"
#include "records/seal.hpp"

namespace muster {

namespace {

constexpr std::size_t largest_manifest = 1u << 20, largest_arguments = 4096;

Error missing(const NodeName& node, const ReleaseReference& image, const std::string& what) {
  return {
      ErrorKind::unavailable, "image_missing",
      fmt::format(
          "machine '{}/{}': {} {}: {}; bring it back with `muster release import`: the machine asks again",
          node.cluster, node.node, image.name, image.version, what)};
}

// All of a small file.
Result<std::string> read_small(const ArtifactStore& artifacts, const std::string& digest,
                               std::size_t largest) {
  const auto file = artifacts.open_artifact(digest);
  if (!file) return pass(file.error());
  if (file->size() > largest)
    return fail(ErrorKind::corrupt, fmt::format("artifact {}: expected at most {} bytes, found {}",
                                                digest, largest, file->size()));
  return file->read(0, file->size());
}

const Artifact* find_file(const Release& release, std::string_view path) {
  const auto found = std::find_if(release.artifacts.begin(), release.artifacts.end(),
                                  [&](const Artifact& file) { return file.path == path; });
  return found == release.artifacts.end() ? nullptr : &*found;
}

// Of the image's own text, which is data: nothing in it may end iPXE's command.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    if (is_kernel_argument(word) && owner_of_argument(word).empty())
      words.push_back(std::move(word));
  }
  return words;
}

Result<Release> read_image(const ArtifactStore& artifacts, const NodeName& node,
                           const ReleaseReference& image) {
  const auto manifest = read_small(artifacts, image.manifest_digest, largest_manifest);
  if (!manifest) return pass(missing(node, image, manifest.error().message));
  auto release = parse_release(*manifest);
  if (!release) return pass(missing(node, image, release.error().message));
  for (const auto& path : {netboot_files::kernel, netboot_files::initrd, netboot_files::root,
                           netboot_files::arguments}) {
    const Artifact* file = find_file(*release, path);
    if (file == nullptr)
      return fail(
          ErrorKind::conflict, "image_other_kind",
          fmt::format(
              "machine '{}/{}': {} {} has no file {}: expected an image of `muster image build --kind netboot`",
              node.cluster, node.node, image.name, image.version, path));
    if (!artifacts.contains(file->digest, file->size))
      return pass(missing(node, image, fmt::format("{} is not on the server's disk", path)));
  }
  return release;
}

std::string name_of(const ReleaseReference& image) {
  return fmt::format("{}/{}", image.name, image.version);
}

struct ImageToStart {
  ReleaseReference image;
  Result<Release> release;
};

ImageToStart image_to_start(const Fleet& fleet, const ArtifactStore& artifacts,
                            const NodeName& node, const ReleaseReference& wanted) {
  const BootRecord record = fleet.boots.find(node);
  if (is_to_go_back(record, name_of(wanted), latest_now(fleet.enrolment))) {
    if (const auto back = fleet.kept_images.find(fleet, node.cluster, record.good)) {
      auto release = read_image(artifacts, node, *back);
      if (release) return {*back, std::move(release)};
    }
  }
  return {wanted, read_image(artifacts, node, wanted)};
}

// A start, as its record has it.
void note_start(const Fleet& fleet, const NodeName& node, const NetbootOrder& order,
                const std::string& source, BootRecord& record) {
  const TimePoint now = latest_now(fleet.enrolment);
  const ToldScript script = fleet.boots.script(node);
  HandedOut handed_out{order.release, order.wanted, source, 0,
                       unix_seconds(now) + claim_lifetime.count()};
  if (script.image == order.release) handed_out.script_at = script.at;
  note_handed_out(record, handed_out, now);
}

bool is_noted(const BootRecord& record, const NetbootOrder& order, TimePoint now) {
  constexpr std::int64_t shortest_between_writes = 5'000'000;  // microseconds
  const std::int64_t age = unix_microseconds(now) - record.archive_at;
  return record.image == order.release && age >= 0 && age < shortest_between_writes;
}

// Of a machine that gets no claim. Counted like those with one: while it is silent alone, since
// anybody may ask, and a machine that runs did not start.
Result<void> note_start_without_claim(const Fleet& fleet, const NodeName& node,
                                      const NetbootOrder& order, const std::string& source) {
  if (auto silent = check_silent(fleet, node); !silent) {
    if (silent.error().code == "machine_running") return {};
    return pass(silent.error());
  }
  const TimePoint now = latest_now(fleet.enrolment);
  if (is_noted(fleet.boots.find(node), order, now)) return {};
  auto found = find_boot(fleet.store, node.cluster, node.node);
  if (!found) return pass(found.error());
  if (is_noted(found->record, order, now)) return {};
  note_start(fleet, node, order, source, found->record);
  Transaction transaction;
  if (auto there = expect_cluster(fleet.store, node.cluster, transaction); !there)
    return pass(there.error());
  put_boot(*found, transaction);
  auto done = commit(fleet.store, transaction);
  // Somebody else who asks in its name has noted it.
  if (!done && done.error().kind == ErrorKind::conflict) return {};
  return done;
}

Result<std::string> without_claim(const Fleet& fleet, const NodeName& node,
                                  const NetbootOrder& order, const std::string& source) {
  if (auto noted = note_start_without_claim(fleet, node, order, source); !noted)
    return pass(noted.error());
  return std::string();
}

}  // namespace

Result<NetbootOrder> netboot_order(const Fleet& fleet, const ArtifactStore& artifacts,
                                   const NodeName& node) {
  if (auto open = check_not_sealed(fleet.store, node.cluster); !open) return pass(open.error());
  const auto document = served_document(fleet, node);
  if (!document) {
    if (document.error().code != "no_document") return pass(document.error());
    return fail(ErrorKind::unavailable, "no_document",
                fmt::format("{}; the machine asks again", document.error().message));
  }
  const auto& wanted = document->config.netboot;
  if (!wanted)
    return fail(
        ErrorKind::not_found, "starts_from_disk",
        fmt::format(
            "machine '{}/{}': the inventory names no image (netboot.image): it starts from its disk",
            node.cluster, node.node));
  const auto [image, release] = image_to_start(fleet, artifacts, node, *wanted);
  if (!release) return pass(release.error());
  const auto own = read_small(artifacts, find_file(*release, netboot_files::arguments)->digest,
                              largest_arguments);
  if (!own) return pass(missing(node, image, own.error().message));
  NetbootOrder order;
  order.whom = fmt::format("{}/{}", node.cluster, node.node);
  order.image = fmt::format("{} {}", image.name, image.version);
  order.release = name_of(image);
  order.wanted = name_of(*wanted);
  order.kernel = find_file(*release, netboot_files::kernel)->digest;
  order.initrd = find_file(*release, netboot_files::initrd)->digest;
  order.state_disk = document->config.state_disk;
  order.arguments = words_of(*own);
  const auto add = [&](const std::vector<std::string>& more, std::string_view name) {
    for (const auto& one : more) order.arguments.push_back(fmt::format("{}{}", name, one));
  };
  add(document->config.kernel.arguments, "");
  add({order.release}, "muster.image=");
  add(document->config.artifact_mirrors, "muster.source=");
  add(fleet.site.trust()->list.servers.boot, "muster.source=");
  return order;
}

Result<void> check_silent(const Fleet& fleet, const NodeName& node) {
  const auto found = find_machine(fleet.store, node);
  if (!found) return pass(found.error());
  const MachineRecord& record = found->record;
  if (!record.current || record.replace_ordered) return {};
  const BootRecord boot = fleet.boots.find(node);
  if (boot.reprovision_at != 0 || is_wipe_open(boot, latest_now(fleet.enrolment))) return {};
  const HeardMachine heard = fleet.reports.find(node);
  if (heard.report && heard.report->is_stopping) return {};
  const auto silence =
      fleet.reports.silence_over_restarts(node, expected_now(fleet.enrolment), record.enrolled_at);
  const auto needed = silent_after(heard);
  if (silence > needed) return {};
  return fail(
      ErrorKind::unavailable, "machine_running",
      fmt::format(
          "machine '{}/{}': it starts by the network, and its identity was heard of {} s ago: a claim is handed out after {} s of silence, or at once after `muster node reprovision {}`",
          node.cluster, node.node, silence, needed, node.node));
}

Result<bool> keeps_identity(const Fleet& fleet, const NodeName& node, const NetbootOrder& order) {
  if (!order.state_disk) return false;
  const auto found = find_machine(fleet.store, node);
  if (!found) return pass(found.error());
  const MachineRecord& record = found->record;
  const BootRecord boot = fleet.boots.find(node);
  // Whoever enrolled and was cut off before its first word may not have kept its certificate.
  return record.current && !record.replace_ordered &&
         !is_wipe_open(boot, latest_now(fleet.enrolment)) && boot.heard_at != 0 &&
         boot.heard_at / microseconds_per_second >= record.enrolled_at;
}

Result<std::string> claim_of(const Fleet& fleet, const NodeName& node, const NetbootOrder& order,
                             const std::string& source) {
  const auto role = fleet.enrolment.inventory()->role_of(node);
  if (!role || is_control_plane(*role)) return without_claim(fleet, node, order, source);
  const auto keeps = keeps_identity(fleet, node, order);
  if (!keeps) return pass(keeps.error());
  if (*keeps) return without_claim(fleet, node, order, source);
  if (auto silent = check_silent(fleet, node); !silent) return pass(silent.error());
  auto claim = claim_for(fleet.enrolment, node, source, [&](BootRecord& record) {
    note_start(fleet, node, order, source, record);
  });
  if (!claim) return pass(claim.error());
  return std::move(claim->text);
}

Result<void> note_boot_failure(const Fleet& fleet, const NodeName& node, const std::string& text) {
  constexpr std::size_t longest = 512;
  const TimePoint now = latest_now(fleet.enrolment);
  const auto is_news = [&](const BootRecord& record) {
    return record.archive_at != 0 && record.failure.empty() &&
           unix_seconds(now) < record.claim_until && record.heard_at < record.archive_at;
  };
  if (!is_news(fleet.boots.find(node))) return {};
  auto found = find_boot(fleet.store, node.cluster, node.node);
  if (!found) return pass(found.error());
  if (!is_news(found->record)) return {};
  found->record.failure = std::string(cut_text(text, longest));
  found->record.failed_at = unix_microseconds(now);
  Transaction transaction;
  put_boot(*found, transaction);
  auto done = commit(fleet.store, transaction);
  // Somebody else said it, or it was started again.
  if (!done && done.error().kind == ErrorKind::conflict) return {};
  return done;
}

}  // namespace muster
