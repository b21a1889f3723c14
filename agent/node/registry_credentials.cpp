#include "agent/node/registry_credentials.hpp"

#include "document/problem.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr const char* api_version = "credentialprovider.kubelet.k8s.io/v1";

Result<std::string> image_of(std::string_view request) {
  const auto json = parse_strict_json("image credential request", request);
  if (!json) return pass(json.error());
  const std::string found = json->is_object() ? text_at(*json, "apiVersion") : "";
  if (found != api_version) {
    return fail(ErrorKind::invalid,
                fmt::format("image credential request: /apiVersion: expected {}, found {}",
                            api_version, in_ticks(found)));
  }
  const std::string image = text_at(*json, "image");
  if (image.empty()) {
    return fail(ErrorKind::invalid, "image credential request: /image: expected an image's name");
  }
  return image;
}

Result<nlohmann::json> credential_in(const Filesystem& files, const std::string& registry,
                                     const std::string& path) {
  const auto text = files.read(path);
  if (!text) return while_doing(text.error(), "credential of registry " + registry);
  const auto json = parse_strict_json(path, *text);
  const bool is_whole = json && json->is_object() && !text_at(*json, "username").empty() &&
                        !text_at(*json, "password").empty();
  if (!is_whole) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "credential of registry {}: '{}': expected {{\"username\": TEXT, \"password\": TEXT}}, found something else; run `muster secret set`",
            registry, path));
  }
  return nlohmann::json{{"username", text_at(*json, "username")},
                        {"password", text_at(*json, "password")}};
}

}  // namespace

Result<std::string> registry_credentials(const Filesystem& files,
                                         const std::vector<std::string>& registries,
                                         std::string_view request) {
  const auto image = image_of(request);
  if (!image) return pass(image.error());
  nlohmann::json credentials = nlohmann::json::object();
  for (const std::string& row : registries) {
    const auto equals = row.find('=');
    const std::string registry = row.substr(0, equals);
    if (equals == std::string::npos || !image->starts_with(registry + "/")) continue;
    auto credential = credential_in(files, registry, row.substr(equals + 1));
    if (!credential) return pass(credential.error());
    credentials[registry] = *credential;
  }
  return nlohmann::json{{"apiVersion", api_version},
                        {"kind", "CredentialProviderResponse"},
                        {"cacheKeyType", "Registry"},
                        {"cacheDuration", "0s"},
                        {"auth", credentials}}
      .dump();
}

}  // namespace muster
