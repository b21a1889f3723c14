#include "trust/site_record.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "records/sealed_text.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr JsonLimits record_limits{16u << 20, 8};

nlohmann::json chain_json(const std::vector<Envelope>& chain) {
  nlohmann::json list = nlohmann::json::array();
  // to_json() is our own text: it parses.
  for (const auto& envelope : chain) {
    list.push_back(nlohmann::json::parse(to_json(envelope), nullptr, false));
  }
  return list;
}

Result<SiteRecord> parse_site_record(std::string_view text) {
  const auto json = parse_strict_json("site settings", text, record_limits);
  if (!json) return pass(json.error());
  SiteRecord record;
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  root.text("siteKey", record.site_key);
  root.text("documentKey", record.document_key);
  const nlohmann::json* chain = root.raw("chain");
  root.close();
  if (!problems.empty()) return fail("site settings", problems);
  for (const auto& item : *chain) {
    auto envelope = parse_envelope(item.dump());
    if (!envelope) return while_doing(envelope.error(), "site settings");
    record.chain.push_back(std::move(*envelope));
  }
  return record;
}

}  // namespace

Result<FoundSite> find_site(const Store& store) {
  const auto found = store.get(kinds::site, kinds::site_settings_key);
  if (!found && found.error().kind == ErrorKind::not_found) {
    return fail(ErrorKind::not_found, "the store holds no site yet. Run: muster-server init");
  }
  if (!found) return pass(found.error());
  auto record = parse_site_record(found->value);
  if (!record) return pass(record.error());
  return FoundSite{std::move(*record), found->version};
}

void put_site(const SiteRecord& record, std::uint64_t version, Transaction& transaction) {
  transaction.expect(kinds::site, kinds::site_settings_key, version)
      .put(kinds::site, kinds::site_settings_key,
           canonical_text({{"siteKey", record.site_key},
                           {"documentKey", record.document_key},
                           {"chain", chain_json(record.chain)}}));
}

Result<void> put_key(const PrivateKey& key, std::string_view kind, const SealingKey& sealing,
                     Transaction& transaction) {
  const PublicKey public_key = key.public_key();
  const std::string fingerprint = public_key.fingerprint();
  const auto sealed = seal_text(sealing, kind, fingerprint, key.pem());
  if (!sealed) return pass(sealed.error());
  transaction.expect(kind, fingerprint, 0)
      .put(kind, fingerprint,
           canonical_text({{"publicKey", public_key.pem()}, {"sealedKey", *sealed}}));
  return {};
}

Result<PrivateKey> load_key(const Store& store, std::string_view kind, std::string_view fingerprint,
                            const SealingKey& sealing) {
  const auto found = store.get(kind, fingerprint);
  if (!found) return pass(found.error());
  const std::string what = fmt::format("{} '{}'", kind, fingerprint);
  const auto json = parse_strict_json(what, found->value);
  if (!json) return pass(json.error());
  std::string public_key, sealed;
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  root.text("publicKey", public_key);
  root.text("sealedKey", sealed);
  root.close();
  if (!problems.empty()) return fail(what, problems);
  return open_key(sealing, kind, fingerprint, sealed);
}

std::string trust_answer_text(const std::vector<Envelope>& chain) {
  return canonical_text({{"chain", chain_json(chain)}});
}

}  // namespace muster
