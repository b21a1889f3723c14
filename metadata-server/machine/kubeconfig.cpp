#include "machine/kubeconfig.hpp"

#include <fmt/format.h>

#include "machine/paths.hpp"
#include "machine/yaml_text.hpp"

namespace muster {
namespace {

std::string url(std::string_view host, std::uint16_t port) {
  const bool is_ipv6 = host.find(':') != std::string_view::npos;
  return is_ipv6 ? fmt::format("https://[{}]:{}", host, port)
                 : fmt::format("https://{}:{}", host, port);
}

}  // namespace

std::string kubeconfig(std::string_view cluster, std::string_view server,
                       std::string_view certificate) {
  Json config = {{"apiVersion", "v1"}, {"kind", "Config"}};
  config["clusters"] = Json::array(
      {{{"name", cluster},
        {"cluster",
         {{"certificate-authority", paths::authority("cluster")}, {"server", server}}}}});
  config["users"] =
      Json::array({{{"name", certificate},
                    {"user",
                     {{"client-certificate", paths::certificate(certificate, "tls.crt")},
                      {"client-key", paths::certificate(certificate, "tls.key")}}}}});
  config["contexts"] = Json::array(
      {{{"name", cluster}, {"context", {{"cluster", cluster}, {"user", certificate}}}}});
  config["current-context"] = cluster;
  return yaml_text(config);
}

std::string api_url(const NodeDocument& document) {
  return url(document.role.cluster.api.host, document.role.cluster.api.port);
}

std::string own_apiserver_url(const NodeDocument& document) {
  return url(document.role.address, document.role.cluster.apiserver_port);
}

}  // namespace muster
