#include "boot/agent_user_data.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "document/strict_json.hpp"

namespace muster {

std::string agent_user_data(const SiteContact& site) {
  // One line of JSON: no line of it can end the block.
  return fmt::format(
      "#cloud-config\n"
      "write_files:\n"
      "- path: /etc/muster/agent.json\n"
      "  owner: root:root\n"
      "  permissions: '0600'\n"
      "  content: |\n"
      "    {}\n",
      canonical_text({{"sitePin", site.pin}, {"enrolServers", site.enrol_servers}}));
}

}  // namespace muster
