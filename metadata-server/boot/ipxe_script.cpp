#include "boot/ipxe_script.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "document/problem.hpp"

namespace muster {

namespace {

constexpr std::string_view first_line = "#!ipxe\n";
// Without a scheme a colon would end one (iPXE, parse_uri), and digests have it.
constexpr std::string_view artifacts = "/v1/artifacts/sha256%3A";

// The names that iPXE's images have, since UEFI finds initrds by them; and the NIC that it came by,
// which iPXE fills in (PXELINUX' word for it).
constexpr std::string_view first_arguments =
    "initrd=initrd initrd=machine.cpio BOOTIF=01-${netX/mac:hexhyp}";

// What of a text iPXE shows as it is: it expands "${", and "&&" and "||" end a command.
std::string shown(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    const bool is_plain = letter >= ' ' && letter <= '~' &&
                          std::string_view("$|&\\\"'").find(letter) == std::string_view::npos;
    safe += is_plain ? letter : ' ';
  }
  return safe;
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char letter : text) {
    const bool is_unreserved = (letter >= 'a' && letter <= 'z') ||
                               (letter >= 'A' && letter <= 'Z') ||
                               (letter >= '0' && letter <= '9') ||
                               std::string_view("-._~").find(letter) != std::string_view::npos;
    if (is_unreserved) {
      encoded += letter;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return encoded;
}

std::string artifact(std::string_view digest) {
  constexpr std::string_view prefix = "sha256:";
  return std::string(artifacts) + std::string(digest.substr(prefix.size()));
}

// By which the archive's request is found to be of the same machine.
std::string query_of(const MachineMarks& marks) {
  std::string query = fmt::format("mac={}", fmt::join(marks.macs, ","));
  if (!marks.uuid.empty()) query += "&uuid=" + percent_encoded(marks.uuid);
  if (!marks.serial.empty()) query += "&serial=" + percent_encoded(marks.serial);
  return query;
}

std::string again_in(int seconds) {
  return fmt::format("sleep {}\nchain --replace boot.ipxe\n", seconds);
}

bool is_mac_text(std::string_view text) {
  return text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdefABCDEF:-") == std::string_view::npos;
}

}  // namespace

Result<BootQuery> parse_boot_query(const std::map<std::string, std::string>& query) {
  constexpr std::size_t most_macs = 64;
  BootQuery found;
  for (const auto& [name, value] : query) {
    if (name == "mac") {
      for (std::size_t start = 0; start <= value.size() && found.marks.macs.size() < most_macs;) {
        const std::size_t end = std::min(value.find(',', start), value.size());
        const std::string mac = value.substr(start, end - start);
        // An interface without Ethernet has another kind of address, or none: it matches nobody.
        if (!mac.empty() && is_mac_text(mac)) found.marks.macs.push_back(mac);
        start = end + 1;
      }
    } else if (name == "uuid") {
      found.marks.uuid = value;
    } else if (name == "serial") {
      found.marks.serial = value;
    } else if (name == "asset") {
      found.asset = value;
    } else if (name == "arch") {
      found.architecture = value;
    } else if (name == "platform") {
      found.platform = value;
    } else {
      return fail(ErrorKind::invalid, "mark_unknown",
                  fmt::format("expected mac, uuid, serial, asset, arch or platform, found {}",
                              in_ticks(name)));
    }
  }
  return found;
}

std::string chain_script() {
  return std::string(first_line) +
         R"(# muster: whose machine is this? All that the inventory may know it by.
set macs ${net0/mac:hexhyp}
set nic:int32 1
:nic
isset ${net${nic}/mac} || goto ask
set macs ${macs},${net${nic}/mac:hexhyp}
inc nic
iseq ${nic} 16 || goto nic
:ask
chain --replace ipxe?mac=${macs}&uuid=${uuid}&serial=${serial:uristring}&asset=${asset:uristring}&arch=${buildarch}&platform=${platform} ||
echo muster: no answer from the server (${errno}), asking again in 10 s
sleep 10
goto ask
)";
}

Result<std::string> boot_script(const NetbootOrder& order, const BootQuery& query) {
  const std::string arguments =
      fmt::format("{} {}", first_arguments, fmt::join(order.arguments, " "));
  if (arguments.size() > longest_command_line)
    return fail(
        ErrorKind::invalid, "command_line_too_long",
        fmt::format(
            "{}: a kernel command line of {} bytes, expected at most {}: shorten kernel.arguments, the image's kernelArguments or the list of mirrors",
            order.whom, arguments.size(), longest_command_line));
  return std::string(first_line) +
         fmt::format(
             "# muster: {0}\n"
             "imgfree\n"
             "echo muster: {0} starts {1}\n"
             "kernel --name kernel {2} {3} || goto failed\n"
             "initrd --name initrd {4} || goto failed\n"
             "initrd --name machine.cpio boot/machine.cpio?{5} || goto failed\n"
             "boot ||\n"
             ":failed\n"
             "echo muster: {0} did not start (${{errno}}), asking again in 30 s\n"
             "{6}",
             order.whom, shown(order.image), artifact(order.kernel), arguments,
             artifact(order.initrd), query_of(query.marks), again_in(30));
}

// A BIOS starts the disk itself, since many do not go on to it when iPXE exits; UEFI goes on to its
// next entry when the program ends with an error, and shows its menu when it ends without.
std::string disk_script(const std::string& why) {
  return std::string(first_line) +
         fmt::format(
             "echo muster: {0}\n"
             "echo muster: starting from the disk in 5 s\n"
             "sleep 5\n"
             "iseq ${{platform}} pcbios || exit 1\n"
             "sanboot --no-describe --drive 0x80 ||\n"
             "echo muster: no disk starts this machine ({0}), asking again in 30 s\n"
             "{1}",
             shown(why), again_in(30));
}

std::string waiting_script(const std::string& why) {
  return std::string(first_line) +
         fmt::format("echo muster: {}\necho muster: asking again in 30 s\n{}", shown(why),
                     again_in(30));
}

}  // namespace muster
