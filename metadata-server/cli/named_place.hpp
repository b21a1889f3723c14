// Where in the inventory stands what a component's words are about: a flag of componentArguments, a
// field of extraConfiguration or of the kubelet section. Pure.
#pragma once

#include <string>

#include "document/node_document.hpp"
#include "inventory/objects.hpp"

namespace muster {

struct NamedPlace {
  Place place;
  std::string field;
};
// The longest name that the words hold; where they hold none, the machine's, without a field.
[[nodiscard]] NamedPlace place_named_in(const Inventory& inventory, const Cluster& cluster,
                                        const MachineIdentity& machine, const std::string& program,
                                        const std::string& words);

}  // namespace muster
