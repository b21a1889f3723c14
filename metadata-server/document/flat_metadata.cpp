#include "document/flat_metadata.hpp"

#include <map>
#include <sstream>

#include "document/field_syntax.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// "node01" of "node01.DOMAIN"; empty and a problem for any other name.
std::string label_of(JsonObject& root, std::string_view field, const std::string& name,
                     const std::string& domain) {
  const auto dot = name.find('.');
  std::string label = name.substr(0, dot);
  const bool is_within = dot != std::string::npos && name.substr(dot + 1) == domain;
  if (is_within && is_dns_label(label)) return label;
  if (!domain.empty()) {
    root.problem(field,
                 fmt::format("expected NAME.{} (BASE_DOMAIN), found {}", domain, in_ticks(name)));
  }
  return {};
}

void read_domains(JsonObject& root, FlatMetadata& flat) {
  std::string text;
  root.text("domainsEnv", text);
  const std::map<std::string, std::string*, std::less<>> known{
      {"BASE_DOMAIN", &flat.domain},
      {"API_SERVER_DOMAIN", &flat.api_server_domain},
      {"ETCD_DOMAIN", &flat.etcd_domain}};
  for (const auto& word : words_of(text)) {
    const auto equals = word.find('=');
    const auto target = known.find(word.substr(0, equals));
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (target == known.end() || !is_dns_name(value)) {
      root.problem(
          "domainsEnv",
          fmt::format(
              "expected BASE_DOMAIN, API_SERVER_DOMAIN or ETCD_DOMAIN, '=' and a DNS name, found {}",
              in_ticks(word)));
    } else {
      *target->second = value;
    }
  }
  for (const auto& [name, target] : known) {
    if (target->empty() && root.has("domainsEnv") && text.find(name + "=") == std::string::npos) {
      root.problem("domainsEnv", fmt::format("expected {}=NAME, found none", name));
    }
  }
}

}  // namespace

bool is_flat_metadata(const nlohmann::json& value) {
  return value.is_object() && value.contains("myRole");
}

FlatMetadata read_flat_metadata(JsonObject& root) {
  FlatMetadata flat;
  std::string name, nodes;
  root.word("myRole", flat.role, parse_role);
  read_domains(root, flat);
  root.text("myDomain", name);
  if (!name.empty()) flat.node = label_of(root, "myDomain", name, flat.domain);
  root.text("masterAddr", flat.master);
  if (!flat.master.empty() && !is_ipv4(flat.master)) {
    static_cast<void>(label_of(root, "masterAddr", flat.master, flat.domain));
  }
  root.text("kubenodesAddr", nodes);
  for (const auto& word : words_of(nodes)) {
    if (auto label = label_of(root, "kubenodesAddr", word, flat.domain); !label.empty()) {
      flat.nodes.push_back(std::move(label));
    }
  }
  return flat;
}

Result<FlatMetadata> parse_flat_metadata(std::string_view what, std::string_view text) {
  const auto json = parse_strict_json(what, text, {64u << 10, 8});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  auto flat = read_flat_metadata(root);
  static_cast<void>(root.raw("muster", Need::optional));
  root.close();
  if (!problems.empty()) return fail(what, problems);
  return flat;
}

}  // namespace muster
