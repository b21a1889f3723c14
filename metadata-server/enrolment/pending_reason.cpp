#include "enrolment/pending_reason.hpp"

#include <fmt/ranges.h>

namespace muster {
namespace {

// "MAC 02:4d:55:00:00:1c, serial X": what is known of it.
std::string marks_text(const MachineMarks& marks) {
  std::string text;
  const auto add = [&](const char* label, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", label, value);
  };
  add("MAC", fmt::format("{}", fmt::join(marks.macs, " or ")));
  add("UUID", marks.uuid);
  add("serial", marks.serial);
  add("instance", marks.instance_id);
  return text;
}

std::string approve_as(const std::string& name, const PendingMachine& machine) {
  return fmt::format("muster approve {} --fingerprint {}", name, machine.fingerprint);
}

}  // namespace

PendingReason why_pending(const EnrolmentInventory& inventory, const PendingMachine& machine) {
  if (!machine.approved.node.empty()) {
    return {machine.approved,
            fmt::format("approved by {} as '{}/{}', and let in when it asks", machine.approved_by,
                        machine.approved.cluster, machine.approved.node),
            {}};
  }
  // By the inventory of now: it may have been corrected since the machine asked.
  const MatchResult match = inventory.match(machine.hints);
  if (match.kind == MatchResult::Kind::matched) {
    return {match.node, "its hardware is this node's, and it brings no join token",
            approve_as(match.node.node, machine) + ", once its console shows the same"};
  }
  const MachineMarks own{machine.hints.macs, machine.hints.uuid, machine.hints.serial, {}};
  const std::string found = own.macs.empty() && own.uuid.empty() && own.serial.empty()
                                ? "it says nothing of its hardware"
                                : "no node of the inventory has " + marks_text(own);
  const ListedNode* listed = inventory.listed(machine.source, machine.hints.hostname);
  if (listed == nullptr) {
    return {
        {},
        found + ", its address or its host name",
        "add it to the inventory and run `muster apply DIR`, or " + approve_as("NAME", machine)};
  }
  const auto& [name, address, marks, role] = *listed;
  const std::string expected = marks_text(marks);
  return {name,
          fmt::format("{}; node '{}/{}', whose {} it has, {}", found, name.cluster, name.node,
                      address == machine.source ? "address" : "name",
                      expected.empty() ? "has no `match`" : "is to have " + expected),
          fmt::format("correct that node's `match` and run `muster apply DIR`, or {}",
                      approve_as(name.node, machine))};
}

}  // namespace muster
