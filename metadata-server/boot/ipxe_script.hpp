// What iPXE is told, in its own scripts (README.md, "The chain"): stock builds, BIOS and UEFI, from
// 2019 on. Nothing of it is a secret. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "inventory/match.hpp"
#include "result/result.hpp"

namespace muster {

// The kernel takes 2 048 bytes with its end on x86, and cuts the rest without a word.
inline constexpr std::size_t longest_command_line = 2047;

// What a machine says of itself in the query of the second script.
struct BootQuery {
  MachineMarks marks;
  std::string asset, architecture, platform;  // for people: nothing is matched by them
};
// invalid, "mark_unknown": a name that the chain does not send. "mac" may be several, with commas.
[[nodiscard]] Result<BootQuery> parse_boot_query(const std::map<std::string, std::string>& query);

// A machine's start, put together.
struct NetbootOrder {
  std::string whom;                    // "lab/n1"
  std::string image;                   // "image-tower 20261202.050000", for people
  std::string release, wanted;         // "image-tower/20261202.050000"; what its document names
  std::string kernel, initrd;          // digests
  std::vector<std::string> arguments;  // the whole command line but for the names of initrds
  std::optional<StateDisk> state_disk = {};
};

// The first one, the same for all: gathers every identifier and asks for the second.
[[nodiscard]] std::string chain_script();
// invalid, "command_line_too_long": with both lengths and the cure.
[[nodiscard]] Result<std::string> boot_script(const NetbootOrder& order, const BootQuery& query);
// Says why, then starts from the disk; where there is none, asks again.
[[nodiscard]] std::string disk_script(const std::string& why);
// Says why, and asks again: nothing of the machine is touched.
[[nodiscard]] std::string waiting_script(const std::string& why);

}  // namespace muster
