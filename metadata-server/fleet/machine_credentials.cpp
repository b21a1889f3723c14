#include "fleet/machine_credentials.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "fleet/served_document.hpp"
#include "records/audit_counts.hpp"
#include "records/secrets.hpp"

namespace muster {

namespace {

Result<IssuedMachineCertificate> issue(const Fleet& fleet, const Caller& machine,
                                       const NodeDocument& document, const CertificateOrder& order,
                                       OpenedAuthorities& opened, Transaction& audit) {
  const auto& listed = document.certificates;
  const auto found = std::find_if(listed.begin(), listed.end(), [&](const CertificateSpec& spec) {
    return spec.name == order.name;
  });
  if (found == listed.end()) return pass(not_yours());
  const auto request = CertificateRequest::from_pem(order.csr);
  if (!request) {
    return fail(ErrorKind::invalid, "csr_invalid",
                fmt::format("certificate {}: {}", in_ticks(order.name), request.error().message));
  }
  const NodeName& node = machine.node;
  const TimePoint now = fleet.enrolment.now();
  auto issued = issue_certificate(fleet.store, fleet.sealing, node.cluster, *found,
                                  request->public_key(), now, opened);
  if (!issued) return pass(issued.error());
  fleet.enrolment.counts.append(audit, now, machine.text(), "certificate-issued",
                                fmt::format("{}/{}/{}", node.cluster, node.node, order.name),
                                request->public_key().fingerprint());
  return IssuedMachineCertificate{std::move(*issued), order.name};
}

}  // namespace

Result<std::vector<IssuedMachineCertificate>> issue_certificates(
    const Fleet& fleet, const Caller& machine, const std::vector<CertificateOrder>& orders) {
  if (auto free = check_not_frozen(machine); !free) return pass(free.error());
  const auto document = served_document(fleet, machine.node);
  if (!document) return pass(document.error());
  std::vector<IssuedMachineCertificate> issued;
  OpenedAuthorities opened;
  Transaction audit;
  for (const CertificateOrder& order : orders) {
    auto one = issue(fleet, machine, *document, order, opened, audit);
    if (!one) return pass(one.error());
    issued.push_back(std::move(*one));
  }
  if (auto written = commit(fleet.store, audit); !written) return pass(written.error());
  spdlog::debug("{}: issued {} certificates", machine.text(), issued.size());
  return issued;
}

Result<std::string> hand_out_secret(const Fleet& fleet, const Caller& machine,
                                    const std::string& name, std::uint64_t version) {
  if (auto free = check_not_frozen(machine); !free) return pass(free.error());
  const NodeName& node = machine.node;
  const auto document = served_document(fleet, node);
  if (!document) return pass(document.error());
  const auto& named = document->config.secrets;
  const bool is_named = std::any_of(named.begin(), named.end(), [&](const SecretReference& secret) {
    return secret.name == name && secret.version == version;
  });
  if (!is_named) return pass(not_yours());
  auto value = get_secret(fleet.store, fleet.sealing, node.cluster, name, version);
  if (!value) return pass(value.error());
  Transaction audit;
  fleet.enrolment.counts.append(audit, fleet.enrolment.now(), machine.text(), "secret-read",
                                fmt::format("{}/{}", node.cluster, name),
                                fmt::format("version {}", version));
  if (auto written = commit(fleet.store, audit); !written) return pass(written.error());
  spdlog::debug("{}: read secret {} version {}", machine.text(), name, version);
  return value;
}

}  // namespace muster
