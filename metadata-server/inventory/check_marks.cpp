#include "inventory/check_marks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "document/field_syntax.hpp"
#include "document/problem.hpp"
#include "inventory/match.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

using Written = Sourced<std::string>;

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

class MarkChecker {
 public:
  explicit MarkChecker(RuleFindings& findings) : findings_(findings) {}

  void check(const Node& node) {
    for (std::size_t index = 0; index < node.match.macs.size(); ++index)
      check_mac(node.match.macs[index], fmt::format("spec.match.mac[{}]", index));
    const auto& [macs, uuid, serial, instance] = node.match;
    if (is_set(uuid)) check_filler(uuid, "spec.match.uuid");
    check_text(node, serial, "spec.match.serial", "serial");
    check_text(node, instance, "spec.match.instanceId", "instance");
    if (node.bmc) check_mac(node.bmc->mac, "spec.bmc.mac");
  }

 private:
  bool check_filler(const Written& mark, const std::string& field) {
    if (!is_filler_mark(without_blanks(mark.value))) return false;
    findings_.refuse(mark.place, field, "what this machine alone says of itself",
                     in_ticks(mark.value) + ", a vendor's placeholder",
                     "it is never matched by; take another of mac, uuid, serial and instanceId");
    return true;
  }

  void check_mac(const Written& mac, const std::string& field) {
    if (!is_set(mac) || mac.value.size() < 2) return;
    unsigned first = 0;
    std::from_chars(mac.value.data(), mac.value.data() + 2, first, 16);
    const bool is_zero = mac.value == "00:00:00:00:00:00";
    if (!is_zero && (first & 1) == 0) return;
    const char* what = is_zero                            ? "the empty address"
                       : mac.value == "ff:ff:ff:ff:ff:ff" ? "the broadcast address"
                                                          : "a multicast address";
    findings_.refuse(mac.place, field, "the MAC address of a NIC",
                     fmt::format("{}, {}", in_ticks(mac.value), what), "no NIC can have it");
  }

  void check_text(const Node& node, const Written& mark, const char* field, const char* kind) {
    if (!is_set(mark) || mark.value.empty() || check_filler(mark, field)) return;
    const std::string_view text = without_blanks(mark.value);
    if (text.size() != mark.value.size())
      findings_.refuse(mark.place, field, "a value without blanks at its ends",
                       in_ticks(mark.value), text.empty() ? "" : fmt::format("write '{}'", text));
    if (text.empty()) return;
    const auto [owner, added] =
        owners_.try_emplace(fmt::format("{} {}", kind, lower_case(text)), Owner{&node, &mark});
    const auto& [other, other_mark] = owner->second;
    // What is the same to the letter is told as that (check.cpp).
    if (added || other_mark->value == mark.value) return;
    findings_.refuse(mark.place, field, "a value of one machine only", in_ticks(mark.value),
                     fmt::format("node '{}' at {} has it with other blanks or letter case",
                                 other->name.value, to_text(other_mark->place)));
  }

  struct Owner {
    const Node* node;
    const Written* mark;
  };
  RuleFindings& findings_;
  std::unordered_map<std::string, Owner> owners_;
};

}  // namespace

void check_match_marks(const Inventory& inventory, RuleFindings& findings) {
  MarkChecker checker(findings);
  for (const Node& node : inventory.nodes) checker.check(node);
}

}  // namespace muster
