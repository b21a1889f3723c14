#include "document/document_text.hpp"

#include <algorithm>

#include "document/node_document_json.hpp"
#include "document/strict_json.hpp"
#include "document/taint_json.hpp"

namespace muster {
namespace {

// The closing quote of the string that goes on at `at`. Most of a document is long strings.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (auto quote = text.find('"', at); quote != std::string_view::npos;
       quote = text.find('"', quote + 1)) {
    std::size_t escapes = 0;
    while (quote - escapes > at && text[quote - escapes - 1] == '\\') ++escapes;
    if (escapes % 2 == 0) return quote;
  }
  return text.size();
}

// Past the value that begins at `at`: a string, a list, an object or a plain word.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at + 1);
      if (depth == 0 || at == text.size()) return std::min(at + 1, text.size());
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return text.size();
}

}  // namespace

std::string settings_text(const ClusterSettings& cluster) {
  return canonical_text(cluster_to_json(cluster));
}

std::string role_text(const MachineIdentity& identity, std::string_view settings) {
  std::string macs;
  for (const auto& mac : identity.macs) macs += (macs.empty() ? "" : ",") + json_string(mac);
  std::string text = "{\"address\":" + json_string(identity.address) + ",\"cluster\":";
  text += settings;
  text += ",\"macs\":[" + macs + "],\"node\":" + json_string(identity.node) +
          ",\"podCidr\":" + json_string(identity.pod_cidr);
  if (!identity.pool.empty()) text += ",\"pool\":" + json_string(identity.pool);
  return text + ",\"role\":" + json_string(name(identity.role)) + "}";
}

std::string certificates_text(const std::vector<CertificateSpec>& certificates) {
  std::string text = "[";
  for (const auto& certificate : certificates) {
    if (text.size() > 1) text += ',';
    text += canonical_text(certificate_to_json(certificate));
  }
  return text + "]";
}

std::string config_text(const MachineConfig& config) {
  return canonical_text(config_to_json(config));
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
  return canonical_text(nlohmann::json(labels));
}

std::string taints_text(const std::vector<Taint>& taints) {
  return canonical_text(taints_to_json(taints));
}

std::string to_text(const DocumentText& parts, std::uint64_t generation) {
  std::string text;
  text.reserve(parts.role.size() + parts.certificates.size() + parts.config.size() + 256);
  text += R"({"apiVersion":"muster/v1","certificates":)";
  text += parts.certificates;
  text += R"(,"config":)";
  text += parts.config;
  text += R"(,"generation":)";
  text += fmt::to_string(generation);
  text += R"(,"kind":"NodeDocument","role":)";
  text += parts.role;
  text += R"(,"site":)";
  text += json_string(parts.site);
  return text += '}';
}

std::string_view field_of(std::string_view object, std::string_view field) {
  std::size_t at = 1;  // past the brace
  while (at < object.size() && object[at] == '"') {
    const std::size_t name_end = end_of_value(object, at);
    const std::string_view name = object.substr(at + 1, name_end - at - 2);
    const std::size_t begin = std::min(name_end + 1, object.size());
    const std::size_t end = end_of_value(object, begin);
    if (name == field) return object.substr(begin, end - begin);
    at = end + 1;
  }
  return {};
}

DocumentText split_document(std::string_view text) {
  std::string_view site = field_of(text, "site");
  if (site.size() >= 2) site = site.substr(1, site.size() - 2);
  return {site, field_of(text, "role"), field_of(text, "certificates"), field_of(text, "config")};
}

void append_peer(std::string& text, const PeerText& peer) {
  append_json_string(text += "{\"address\":", peer.address);
  if (peer.drain != Drain::none) append_json_string(text += ",\"drain\":", name(peer.drain));
  text.append(",\"labels\":").append(peer.labels);
  append_json_string(text += ",\"name\":", peer.name);
  append_json_string(text += ",\"podCidr\":", peer.pod_cidr);
  text.append(",\"taints\":").append(peer.taints).append(1, '}');
}

std::string peer_list_text(std::string_view site, std::string_view cluster,
                           std::uint64_t generation, std::string_view peers) {
  std::string text = R"({"apiVersion":"muster/v1","cluster":)" + json_string(cluster) +
                     R"(,"generation":)" + fmt::to_string(generation) +
                     R"(,"kind":"PeerList","peers":[)";
  text.reserve(text.size() + peers.size() + site.size() + 16);
  text += peers;
  text += R"(],"site":)" + json_string(site);
  return text += '}';
}

}  // namespace muster
