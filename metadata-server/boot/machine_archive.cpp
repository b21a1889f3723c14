#include "boot/machine_archive.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace muster {

namespace {

constexpr unsigned folder_mode = 0040700, secret_file = 0100600, plain_file = 0100644;

void pad(std::string& archive) {
  while (archive.size() % 4 != 0) archive += '\0';
}

void add(std::string& archive, unsigned inode, std::string_view name, unsigned mode,
         std::string_view content) {
  // Inode, mode, owner, group, links, time, size, four numbers of devices, length of the name with
  // its end, and a checksum that this format leaves at 0.
  archive += "070701";
  for (const std::size_t field : std::initializer_list<std::size_t>{
           inode, mode, 0, 0, 1, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0})
    archive += fmt::format("{:08x}", field);
  archive += name;
  archive += '\0';
  pad(archive);
  archive += content;
  pad(archive);
}

// A value has no line end: the inventory and the document refuse one.
std::string text_of(const StateDiskOrder& order, const NodeName& machine) {
  std::string text =
      fmt::format("machine {}/{}\ncreate {}\n", machine.cluster, machine.node, order.disk.create);
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("{} {}\n", name, value);
  };
  add("serial", order.disk.serial);
  add("wwn", order.disk.wwn);
  add("path", order.disk.path);
  if (order.wipe) add("wipe", fmt::format("{} {}", order.wipe->order, order.wipe->serial));
  return text;
}

}  // namespace

std::string machine_archive(const BootMachine& machine, const SiteContact& site,
                            const std::string& claim, const std::optional<StateDiskOrder>& order) {
  nlohmann::json settings = {{"sitePin", site.pin}, {"enrolServers", site.enrol_servers}};
  if (!claim.empty()) settings["token"] = claim;
  std::string archive;
  add(archive, 1, "muster", folder_mode, "");
  add(archive, 2, "muster/agent.json", secret_file, settings.dump(2) + "\n");
  add(archive, 3, "muster/hostname", plain_file, machine.name.node + "\n");
  if (order) add(archive, 4, "muster/state-disk", plain_file, text_of(*order, machine.name));
  add(archive, 0, "TRAILER!!!", 0, "");
  return archive;
}

}  // namespace muster
