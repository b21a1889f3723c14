#include "fleet/certificate_expiries.hpp"

#include "enrolment/machine.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

std::vector<CertificateExpiry> certificate_expiries(const Fleet& fleet) {
  std::vector<CertificateExpiry> expiries;
  const auto add_authority = [&](const std::string& cluster, const std::string& label,
                                 const Certificate& certificate) {
    expiries.push_back({cluster, label, "authority", unix_seconds(certificate.not_after())});
  };
  add_authority("", "machines", fleet.site.machines().issuing.certificate());
  add_authority("", "server", fleet.site.servers().issuing.certificate());
  for (const auto& cluster : fleet.current.clusters()) {
    const auto authorities = load_cluster_authorities(fleet.store, cluster);
    if (!authorities) continue;
    for (const auto& [label, trusted] : *authorities) {
      const auto issuing = Certificate::from_pem(trusted.empty() ? std::string() : trusted.front());
      if (issuing) add_authority(cluster, label, *issuing);
    }
  }
  const auto records = all_records(fleet.store, kinds::machine);
  if (!records) return expiries;
  for (const auto& record : *records) {
    const auto machine = parse_machine_record(record.value);
    if (!machine || !machine->current) continue;
    expiries.push_back({machine->cluster, machine->node, "machine", machine->current->not_after});
  }
  return expiries;
}

}  // namespace muster
