// What the components could also be told through free text (componentArguments, kubelet's
// extraConfiguration) but Muster decides, or what would take a protection away that every cluster
// has. Beside document/owned_flags, which agents hold a document to as well. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace muster {

// What decides it instead, as a cure; empty: it is the operator's, with any value.
struct Kept {
  std::string_view expected;  // "a flag that is the operator's", "no value that ..."
  std::string_view cure;
};
[[nodiscard]] Kept kept_flag(std::string_view component, std::string_view flag,
                             std::string_view value);

// `field` is a dotted path in KubeletConfiguration.
[[nodiscard]] std::string_view kept_kubelet_field(std::string_view field, std::string_view value);

// Of a list between commas.
[[nodiscard]] bool has_entry(std::string_view list, std::string_view entry);

// kube-proxy passes over flags for what its configuration file says, all but those of its log.
[[nodiscard]] bool is_passed_over(std::string_view component, std::string_view flag);

// Where a flag went that this version has no more: what to write instead, or "".
[[nodiscard]] std::string_view successor_of_flag(std::string_view component, std::string_view flag);

}  // namespace muster
