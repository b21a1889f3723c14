#include <set>

#include "document/field_syntax.hpp"
#include "document/validation.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds shortest_lifetime = 60s;
constexpr std::chrono::seconds longest_lifetime = 24h * 3650;

void validate_names(const CertificateSpec& certificate, const std::string& where,
                    Findings& findings) {
  // RFC 5280 ub-common-name and ub-organization-name.
  constexpr std::size_t longest = 64;
  const auto is_part = [](const std::string& text) {
    return !text.empty() && text.size() <= longest && !has_control_characters(text);
  };
  findings.expect(is_part(certificate.common_name), where + "/commonName", "1 to 64 characters",
                  certificate.common_name);
  for (std::size_t i = 0; i < certificate.organizations.size(); ++i) {
    findings.expect(is_part(certificate.organizations[i]), pointer_to(where + "/organizations", i),
                    "1 to 64 characters", certificate.organizations[i]);
  }
  for (std::size_t i = 0; i < certificate.dns_names.size(); ++i) {
    findings.expect(is_dns_name(certificate.dns_names[i]), pointer_to(where + "/dnsNames", i),
                    "a DNS name", certificate.dns_names[i]);
  }
  for (std::size_t i = 0; i < certificate.ip_addresses.size(); ++i) {
    findings.expect(is_ip(certificate.ip_addresses[i]), pointer_to(where + "/ipAddresses", i),
                    "an IP address", certificate.ip_addresses[i]);
  }
}

void validate_certificate(const CertificateSpec& certificate, const ClusterSettings& cluster,
                          const std::string& where, Findings& findings) {
  findings.expect(is_dns_label(certificate.name), where + "/name",
                  "a name such as 'kube-apiserver'", certificate.name);
  findings.expect(cluster.authorities.count(certificate.authority) == 1, where + "/authority",
                  "a name in /role/cluster/authorities", certificate.authority);
  validate_names(certificate, where, findings);
  if (certificate.usages.empty()) {
    findings.add(where + "/usages", "expected client, server or both, found none");
  }
  if (certificate.lifetime < shortest_lifetime || certificate.lifetime > longest_lifetime) {
    findings.add(where + "/lifetimeSeconds",
                 fmt::format("expected {} to {}, found {}", shortest_lifetime.count(),
                             longest_lifetime.count(), certificate.lifetime.count()));
  }
  findings.expect(is_user_name(certificate.owner), where + "/owner", "a user name",
                  certificate.owner);
  findings.expect(is_mode(certificate.mode) && certificate.mode.back() == '0', where + "/mode",
                  "a mode that others cannot read, such as '0600'", certificate.mode);
}

}  // namespace

void validate_certificates(const NodeDocument& document, Findings& findings) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < document.certificates.size(); ++i) {
    const CertificateSpec& certificate = document.certificates[i];
    const std::string where = pointer_to("/certificates", i);
    validate_certificate(certificate, document.role.cluster, where, findings);
    findings.expect(names.insert(certificate.name).second, where + "/name", "each name once",
                    certificate.name);
  }
}

}  // namespace muster
