#include "boot/named_marks.hpp"

#include <fmt/format.h>

#include "document/problem.hpp"

namespace muster {
namespace {

// Who would have filled it in; "" where nothing is to be filled in.
std::string_view filled_in_by(std::string_view value) {
  if (value.starts_with("__") && value.ends_with("__") && value.size() > 4)
    return "cloud-init does so from 23.1 on, in `seedfrom` alone";
  if (value.starts_with("${") && value.ends_with('}')) return "iPXE does so in its scripts alone";
  return {};
}

Result<void> check_filled_in(const std::string& mark, const std::string& value) {
  const std::string_view who = filled_in_by(value);
  if (who.empty()) return {};
  return fail(
      ErrorKind::invalid, "mark_unexpanded",
      fmt::format(
          "{0}: expected what the machine's hardware says, found {1}, which its client did not fill in: {2}; write the {0} itself into the URL, or leave it out: the machine is then found by its address",
          mark, in_ticks(value), who));
}

}  // namespace

Result<MachineMarks> parse_named_marks(const std::map<std::string, std::string>& named) {
  MachineMarks marks;
  std::string filler;
  bool has_mark = false;
  for (const auto& [mark, value] : named) {
    if (mark == "f") continue;
    if (mark != "mac" && mark != "uuid" && mark != "serial")
      return fail(ErrorKind::invalid, "mark_unknown",
                  fmt::format("expected mac, uuid or serial, found {}", in_ticks(mark)));
    if (value.empty()) continue;
    if (auto filled = check_filled_in(mark, value); !filled) return pass(filled.error());
    if (is_filler_mark(value))
      filler = fmt::format("{}: {}", mark, in_ticks(value));
    else
      has_mark = true;
    if (mark == "mac") marks.macs.push_back(value);
    if (mark == "uuid") marks.uuid = value;
    if (mark == "serial") marks.serial = value;
  }
  if (has_mark || filler.empty()) return marks;
  return fail(
      ErrorKind::not_found, "mark_filler",
      fmt::format(
          "{} is a vendor's placeholder, which many machines have: nobody is found by it; name another mark (mac, uuid, serial), or none: the machine is then found by its address",
          filler));
}

}  // namespace muster
