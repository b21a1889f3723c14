#include "http/certificate_expiries.hpp"

#include "enrolment/machine.hpp"
#include "site/all_records.hpp"
#include "site/cluster_authorities.hpp"
#include "store/kinds.hpp"

namespace muster {

std::vector<CertificateExpiry> certificate_expiries(const Rooms& rooms) {
  std::vector<CertificateExpiry> expiries;
  const auto add_authority = [&](const std::string& cluster, const std::string& label,
                                 const Certificate& certificate) {
    expiries.push_back({cluster, label, "authority", unix_seconds(certificate.not_after())});
  };
  add_authority("", "machines", rooms.site.machines().issuing.certificate());
  add_authority("", "server", rooms.site.servers().issuing.certificate());
  for (const auto& cluster : rooms.current.clusters()) {
    const auto authorities = load_cluster_authorities(rooms.store, cluster);
    if (!authorities) continue;
    for (const auto& [label, trusted] : *authorities) {
      const auto issuing = Certificate::from_pem(trusted.empty() ? std::string() : trusted.front());
      if (issuing) add_authority(cluster, label, *issuing);
    }
  }
  const auto records = all_records(rooms.store, kinds::machine);
  if (!records) return expiries;
  for (const auto& record : *records) {
    const auto machine = parse_machine_record(record.value);
    if (!machine || !machine->current) continue;
    expiries.push_back({machine->cluster, machine->node, "machine", machine->current->not_after});
  }
  return expiries;
}

}  // namespace muster
