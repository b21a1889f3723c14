#include "document/trust_list.hpp"

#include <optional>

#include "document/field_syntax.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t maximum_trust_list_size = 256u << 10;

// Signs images' manifests, and nothing that a machine is served.
constexpr std::string_view image_scope = "image";

bool is_scope(std::string_view scope) {
  const auto name_after = [&](std::string_view prefix) {
    return scope.substr(0, prefix.size()) == prefix ? scope.substr(prefix.size())
                                                    : std::string_view{};
  };
  if (scope == "site" || scope == image_scope || is_dns_label(name_after("cluster/"))) return true;
  const std::string_view pool = name_after("pool/");
  const std::size_t slash = pool.find('/');
  return slash != std::string_view::npos && is_dns_label(pool.substr(0, slash)) &&
         is_dns_label(pool.substr(slash + 1));
}

void check_urls(const std::vector<std::string>& urls, const std::string& where,
                std::string_view scheme, std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < urls.size(); ++i) {
    if (!is_http_url(urls[i]) || urls[i].rfind(scheme, 0) != 0) {
      problems.push_back(
          {pointer_to(where, i), fmt::format("expected a URL that starts with '{}', found {}",
                                             scheme, in_ticks(urls[i]))});
    }
  }
}

void check(const TrustList& list, std::vector<Problem>& problems) {
  const auto site_key = PublicKey::from_pem(list.site_key);
  if (!site_key) {
    problems.push_back({"/siteKey", "expected a public key in PEM: " + site_key.error().message});
  } else if (site_key->fingerprint() != list.site) {
    problems.push_back({"/site", fmt::format("expected the fingerprint of siteKey, {}, found {}",
                                             site_key->fingerprint(), in_ticks(list.site))});
  }
  if (list.version == 0) problems.push_back({"/version", "expected 1 or more, found 0"});
  if (list.server_authorities.empty()) {
    problems.push_back({"/serverAuthorities", "expected at least one certificate, found none"});
  }
  if (list.document_keys.empty()) {
    problems.push_back({"/documentKeys", "expected at least one key, found none"});
  }
  for (std::size_t i = 0; i < list.document_keys.size(); ++i) {
    const std::string where = pointer_to("/documentKeys", i);
    const auto key = PublicKey::from_pem(list.document_keys[i].public_key);
    if (!key) {
      problems.push_back(
          {where + "/publicKey", "expected a public key in PEM: " + key.error().message});
    }
    if (!is_scope(list.document_keys[i].scope)) {
      problems.push_back(
          {where + "/scope",
           "expected 'site', 'cluster/NAME', 'pool/CLUSTER/NAME' or 'image', found " +
               in_ticks(list.document_keys[i].scope)});
    }
  }
  check_urls(list.servers.boot, "/servers/boot", "http://", problems);
  check_urls(list.servers.enrol, "/servers/enrol", "https://", problems);
  check_urls(list.servers.node, "/servers/node", "https://", problems);
}

// The key that signed `envelope`, which must be the trusted one. Of the pinned key only the
// fingerprint is known, so its PEM is taken from the list itself and compared with the pin first.
Result<PublicKey> signer_of(const TrustList& list, const std::optional<PublicKey>& known,
                            std::string_view trusted) {
  if (known) return *known;
  auto key = PublicKey::from_pem(list.site_key);
  if (!key) return pass(key.error());
  if (key->fingerprint() != trusted) {
    return fail(
        ErrorKind::unauthenticated,
        fmt::format(
            "trust list: expected the site key {}, found {}: the first list of a chain must carry the key that signed it",
            trusted, key->fingerprint()));
  }
  return key;
}

}  // namespace

std::string to_canonical_json(const TrustList& list) {
  nlohmann::json keys = nlohmann::json::array();
  for (const DocumentKey& key : list.document_keys) {
    keys.push_back({{"publicKey", key.public_key}, {"scope", key.scope}});
  }
  return canonical_text({{"apiVersion", "muster/v1"},
                         {"kind", "TrustList"},
                         {"site", list.site},
                         {"version", list.version},
                         {"siteKey", list.site_key},
                         {"serverAuthorities", list.server_authorities},
                         {"documentKeys", keys},
                         {"servers",
                          {{"boot", list.servers.boot},
                           {"enrol", list.servers.enrol},
                           {"node", list.servers.node}}}});
}

Result<TrustList> parse_trust_list(std::string_view text) {
  const auto json = parse_strict_json("trust list", text, {maximum_trust_list_size});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  TrustList list;
  JsonObject root(*json, "", problems);
  root.constant("apiVersion", "muster/v1");
  root.constant("kind", "TrustList");
  root.text("site", list.site);
  root.number("version", list.version);
  root.text("siteKey", list.site_key);
  root.texts("serverAuthorities", list.server_authorities);
  root.objects("documentKeys", [&](JsonObject& object) {
    DocumentKey& key = list.document_keys.emplace_back();
    object.text("publicKey", key.public_key);
    object.text("scope", key.scope);
  });
  root.object("servers", [&](JsonObject& servers) {
    servers.texts("boot", list.servers.boot);
    servers.texts("enrol", list.servers.enrol);
    servers.texts("node", list.servers.node);
  });
  root.close();
  if (problems.empty()) check(list, problems);
  if (!problems.empty()) return fail("trust list", problems);
  return list;
}

Result<TrustList> verify_trust_list(const std::vector<Envelope>& chain, std::string_view pin,
                                    std::uint64_t minimum_version) {
  std::optional<TrustList> newest;
  std::optional<PublicKey> known;
  std::string trusted(pin);
  for (const Envelope& envelope : chain) {
    if (envelope.key_id != trusted) {
      if (!newest) continue;  // older than the pin: signed by a key that the pinned one replaced
      return fail(
          ErrorKind::unauthenticated,
          fmt::format("trust list: expected a signature by the site key {}, found one by {}",
                      trusted, in_ticks(envelope.key_id)));
    }
    auto list = parse_trust_list(envelope.payload);
    if (!list) return pass(list.error());
    const auto signer = signer_of(*list, known, trusted);
    if (!signer) return pass(signer.error());
    if (auto sound = verify_envelope(envelope, trust_list_type, *signer); !sound) {
      return while_doing(sound.error(), "trust list");
    }
    if (newest && list->version <= newest->version) {
      return fail(ErrorKind::unauthenticated,
                  fmt::format("trust list: expected a version above {}, found {}", newest->version,
                              list->version));
    }
    known = PublicKey::from_pem(list->site_key).value();  // parse_trust_list has read it before
    trusted = list->site;
    newest = std::move(*list);
  }
  if (!newest) {
    return fail(
        ErrorKind::unauthenticated,
        fmt::format(
            "trust list: expected one signed by the pinned site key {}, found none among {}. Is this the right server, and the right pin?",
            pin, chain.size()));
  }
  if (newest->version < minimum_version) {
    return fail(
        ErrorKind::unauthenticated,
        fmt::format(
            "trust list: expected version {} or newer, which this machine has seen before, found {}",
            minimum_version, newest->version));
  }
  return *newest;
}

Result<PublicKey> find_document_key(const TrustList& list, std::string_view key_id,
                                    std::string_view cluster, std::string_view pool) {
  bool other_scope = false;
  for (const DocumentKey& entry : list.document_keys) {
    const auto key = PublicKey::from_pem(entry.public_key);
    if (!key || key->fingerprint() != key_id) continue;
    const bool in_cluster = !cluster.empty() && entry.scope == fmt::format("cluster/{}", cluster);
    const bool in_pool = !pool.empty() && entry.scope == fmt::format("pool/{}/{}", cluster, pool);
    if (entry.scope == "site" || in_cluster || in_pool) return *key;
    other_scope = true;
  }
  return fail(
      ErrorKind::unauthenticated,
      fmt::format("document key {}: {} (trust list version {})", in_ticks(key_id),
                  other_scope ? fmt::format("its scope does not cover the cluster '{}'", cluster)
                              : std::string("the site key does not vouch for it"),
                  list.version));
}

Result<PublicKey> find_image_key(const TrustList& list, std::string_view key_id) {
  bool other_scope = false;
  for (const DocumentKey& entry : list.document_keys) {
    const auto key = PublicKey::from_pem(entry.public_key);
    if (!key || key->fingerprint() != key_id) continue;
    if (entry.scope == image_scope) return *key;
    other_scope = true;
  }
  return fail(
      ErrorKind::unauthenticated,
      fmt::format(
          "image key {}: {} (trust list version {}). `muster document-key add PUBLIC.pem --scope image` lets it sign images",
          in_ticks(key_id),
          other_scope ? "it signs documents, not images" : "the site key does not vouch for it",
          list.version));
}

}  // namespace muster
