#include "document/node_document_json.hpp"

namespace muster {
namespace {

std::string_view name(CertificateUsage usage) {
  return usage == CertificateUsage::client ? "client" : "server";
}

void read_usages(JsonObject& object, std::vector<CertificateUsage>& usages) {
  std::vector<std::string> words;
  object.texts("usages", words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "client") {
      usages.push_back(CertificateUsage::client);
    } else if (words[i] == "server") {
      usages.push_back(CertificateUsage::server);
    } else {
      object.problem("usages", fmt::format("expected client or server, found {} at {}",
                                           in_ticks(words[i]), i));
    }
  }
}

}  // namespace

nlohmann::json certificate_to_json(const CertificateSpec& certificate) {
  nlohmann::json usages = nlohmann::json::array();
  for (const CertificateUsage usage : certificate.usages) usages.push_back(name(usage));
  return {{"name", certificate.name},
          {"authority", certificate.authority},
          {"path", certificate.path},
          {"commonName", certificate.common_name},
          {"organizations", certificate.organizations},
          {"dnsNames", certificate.dns_names},
          {"ipAddresses", certificate.ip_addresses},
          {"usages", usages},
          {"lifetimeSeconds", certificate.lifetime.count()},
          {"owner", certificate.owner},
          {"mode", certificate.mode}};
}

void read_certificate(JsonObject& object, CertificateSpec& certificate) {
  object.text("name", certificate.name);
  object.text("authority", certificate.authority);
  object.text("path", certificate.path);
  object.text("commonName", certificate.common_name);
  object.texts("organizations", certificate.organizations);
  object.texts("dnsNames", certificate.dns_names);
  object.texts("ipAddresses", certificate.ip_addresses);
  read_usages(object, certificate.usages);
  std::uint32_t lifetime = 0;
  object.number("lifetimeSeconds", lifetime);
  certificate.lifetime = std::chrono::seconds(lifetime);
  object.text("owner", certificate.owner);
  object.text("mode", certificate.mode);
}

}  // namespace muster
