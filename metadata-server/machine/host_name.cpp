#include "machine/host_name.hpp"

#include "machine/paths.hpp"

namespace muster {

void add_host_name(const NodeDocument& document, DesiredState& state) {
  if (document.role.pool.empty()) return;
  state.files.push_back({paths::host_name, document.role.node + "\n"});
  DesiredUnit unit;
  unit.name = "muster-hostname.service";
  unit.restart_on = {paths::host_name};
  unit.restart_is_harmless = true;
  state.units.push_back(unit);
}

}  // namespace muster
