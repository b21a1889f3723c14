#include "boot/instance_identity.hpp"

#include <nlohmann/json.hpp>

#include "document/signed_document.hpp"
#include "document/strict_json.hpp"

namespace muster {

std::string identity_document(const BootMachine& machine, const std::string& site) {
  return canonical_text({{"cluster", machine.name.cluster},
                         {"instanceId", machine.instance_id},
                         {"node", machine.name.node},
                         {"privateIp", machine.address},
                         {"site", site}});
}

std::optional<std::string> signed_identity(const SiteKeys& keys, const BootMachine& machine) {
  if (!find_document_key(keys.trust()->list, keys.document_key_id(), machine.name.cluster))
    return std::nullopt;
  const auto envelope = sign_envelope(instance_identity_type,
                                      identity_document(machine, keys.site()), keys.document_key());
  if (!envelope) return std::nullopt;
  return to_json(*envelope);
}

}  // namespace muster
