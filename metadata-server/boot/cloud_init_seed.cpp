#include "boot/cloud_init_seed.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "document/strict_json.hpp"

namespace muster {
namespace {

// As JSON's strings, which YAML reads as they are: a machine may be called "on" or "007".
std::string meta_data(const BootMachine& machine) {
  return fmt::format("instance-id: {}\nlocal-hostname: {}\n", canonical_text(machine.instance_id),
                     canonical_text(machine.name.node));
}

}  // namespace

std::optional<std::string> seed_file(std::string_view file, const BootMachine& machine,
                                     const SiteContact& site) {
  if (file == "meta-data") return meta_data(machine);
  if (file == "user-data") return agent_user_data(site);
  if (file == "vendor-data" || file == "network-config") return std::string();
  return std::nullopt;
}

}  // namespace muster
