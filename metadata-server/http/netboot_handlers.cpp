// What iPXE is told, and the machine behind it, on plain HTTP: it is found by its hardware alone,
// since any address may be another's on the segment where machines get theirs.
#include <fmt/ranges.h>

#include "boot/machine_archive.hpp"
#include "document/utf8.hpp"
#include "fleet/disk_wipes.hpp"
#include "fleet/netboot.hpp"
#include "http/handlers.hpp"
#include "http/rooms.hpp"
#include "pki/unix_seconds.hpp"

namespace muster::handlers {
namespace {

Response uncached(std::string body, const char* type) {
  Response response;
  response.body = std::move(body);
  response.content_type = type;
  response.headers.emplace_back("Cache-Control", "no-store");  // another machine, another answer
  return response;
}

Response script(std::string text) {
  return uncached(std::move(text), "text/plain; charset=utf-8");
}

std::string told(const MachineMarks& marks) {
  return fmt::format("mac {}, uuid {}, serial {}", fmt::join(marks.macs, " "),
                     marks.uuid.empty() ? "none" : marks.uuid,
                     marks.serial.empty() ? "none" : marks.serial);
}

Result<std::shared_ptr<const BootMachine>> machine_with(const Rooms& rooms,
                                                        const MachineMarks& marks) {
  const BootMatch match = rooms.boot()->with_marks_of_query(marks);
  if (match.kind == BootMatch::Kind::found) return match.machine;
  if (match.kind == BootMatch::Kind::ambiguous)
    return fail(
        ErrorKind::conflict, "machine_ambiguous",
        fmt::format(
            "more than one machine of the inventory has these marks ({}): correct spec.match and run `muster apply`",
            told(marks)));
  return fail(
      ErrorKind::not_found, "machine_unknown",
      fmt::format(
          "no machine of the inventory has these marks ({}): add the node with spec.match and run `muster apply`",
          told(marks)));
}

Result<std::string> script_of(const Rooms& rooms, const BootQuery& query, const NodeName& node,
                              const Result<NetbootOrder>& order, const std::string& source) {
  if (!order) return pass(order.error());
  const auto keeps = keeps_identity(rooms, node, *order);
  if (!keeps) return pass(keeps.error());
  if (!*keeps) {
    if (auto silent = check_silent(rooms, node); !silent) return pass(silent.error());
  }
  auto text = boot_script(*order, query);
  if (text)
    rooms.boots.note_script(
        node, {order->release, source, unix_microseconds(latest_now(rooms.enrolment))});
  return text;
}

Error noted(const Rooms& rooms, const Request& request, const std::string& node,
            const Error& error) {
  note_refusal(rooms, request, "a start by the network", node, error);
  return error;
}

// The time of a word for a wipe begins by GET alone.
Result<std::optional<StateDiskOrder>> state_disk_order(const Rooms& rooms, const NodeName& node,
                                                       const NetbootOrder& order,
                                                       const Request& request) {
  std::optional<StateDiskOrder> disk;
  if (!order.state_disk) return disk;
  disk = StateDiskOrder{*order.state_disk, {}};
  if (request.method == "HEAD") {
    disk->wipe = open_wipe(rooms.boots.find(node), latest_now(rooms.enrolment));
    return disk;
  }
  auto wipe = hand_out_disk_wipe(rooms, node, request.peer.address);
  if (!wipe) return pass(wipe.error());
  disk->wipe = std::move(*wipe);
  return disk;
}

// HEAD makes none: it is the one that GET hands out.
std::string shape_of_claim(const Rooms& rooms, const NodeName& node, const NetbootOrder& order) {
  constexpr std::size_t length_of_claim = 68;  // as of any join token
  const auto role = rooms.enrolment.inventory()->role_of(node);
  const auto keeps = keeps_identity(rooms, node, order);
  return role && !is_control_plane(*role) && keeps && !*keeps ? std::string(length_of_claim, '-')
                                                              : std::string();
}

}  // namespace

Result<Response> get_chain_script(const Rooms&, const Caller&, const Request&) {
  return script(chain_script());
}

// An error would end a machine at "No bootable device" for ever, so that all but what passes by
// itself (503, which iPXE asks again by) is a script that says why.
Result<Response> get_boot_script(const Rooms& rooms, const Caller&, const Request& request) {
  const auto query = parse_boot_query(request.query);
  if (!query) return pass(query.error());
  const auto machine = machine_with(rooms, query->marks);
  if (!machine) {
    const Error error = noted(rooms, request, "", machine.error());
    return script(error.kind == ErrorKind::conflict ? waiting_script(error.message)
                                                    : disk_script(error.message));
  }
  const NodeName& name = (*machine)->name;
  const auto order = netboot_order(rooms, rooms.artifacts, name);
  if (!order && order.error().code == "starts_from_disk")
    return script(disk_script(order.error().message));
  auto text = script_of(rooms, *query, name, order, request.peer.address);
  if (text) return script(std::move(*text));
  const Error error =
      noted(rooms, request, fmt::format("{}/{}", name.cluster, name.node), text.error());
  if (error.kind == ErrorKind::unavailable) return pass(error);
  return script(waiting_script(error.message));
}

Result<Response> get_machine_archive(const Rooms& rooms, const Caller&, const Request& request) {
  const auto query = parse_boot_query(request.query);
  if (!query) return pass(query.error());
  const auto machine = machine_with(rooms, query->marks);
  if (!machine) return pass(machine.error());
  const auto order = netboot_order(rooms, rooms.artifacts, (*machine)->name);
  if (!order) return pass(order.error());
  const NodeName& name = (*machine)->name;
  const auto claim = request.method == "HEAD"
                         ? Result<std::string>(shape_of_claim(rooms, name, *order))
                         : claim_of(rooms, name, *order, request.peer.address);
  if (!claim)
    return pass(
        noted(rooms, request, fmt::format("{}/{}", name.cluster, name.node), claim.error()));
  const auto disk = state_disk_order(rooms, name, *order, request);
  if (!disk) return pass(disk.error());
  return uncached(machine_archive(**machine, site_contact(rooms), *claim, *disk),
                  "application/octet-stream");
}

// From plain HTTP, by anybody: for people, and kept like any refusal, bounded and in memory; once
// for each start in the machine's record, too.
Result<Response> post_boot_failure(const Rooms& rooms, const Caller&, const Request& request) {
  const auto query = parse_boot_query(request.query);
  if (!query) return pass(query.error());
  const auto machine = machine_with(rooms, query->marks);
  const std::string node =
      machine ? fmt::format("{}/{}", (*machine)->name.cluster, (*machine)->name.node) : "";
  const std::string told = printable(request.body);
  static_cast<void>(noted(rooms, request, node,
                          Error{ErrorKind::unavailable, "boot_failed",
                                fmt::format("it did not start and says: {}", told)}));
  if (machine) {
    if (auto kept = note_boot_failure(rooms, (*machine)->name, told); !kept)
      return pass(kept.error());
  }
  return script("");
}

}  // namespace muster::handlers
