#include "trust/site_record.hpp"

#include "document/trust_list.hpp"
#include "records/record_fields.hpp"
#include "records/sealed_text.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr JsonLimits record_limits{16u << 20, 8};

constexpr auto chain_field = [](auto& fields, auto& chain) { fields.foreign_list("chain", chain); };

// `chain`: document/signed_document reads and writes its envelopes.
constexpr auto site_fields = [](auto& fields, auto& record, auto& chain) {
  fields.text("siteKey", record.site_key);
  fields.text("documentKey", record.document_key);
  chain_field(fields, chain);
};

struct SealedKey {
  std::string public_key, sealed;
};

constexpr auto sealed_key_fields = [](auto& fields, auto& key) {
  fields.text("publicKey", key.public_key);
  fields.text("sealedKey", key.sealed);
};

std::vector<std::string> texts_of(const std::vector<Envelope>& chain) {
  std::vector<std::string> texts;
  for (const auto& envelope : chain) texts.push_back(to_json(envelope));
  return texts;
}

// A version has one content: machines that took another of it would never agree again.
Result<void> check_versions(const std::vector<Envelope>& before, const std::vector<Envelope>& now) {
  if (before.empty() || now.empty() || now.back().payload == before.back().payload) return {};
  const auto old = parse_trust_list(before.back().payload);
  if (!old) return while_doing(old.error(), "site settings");
  const auto list = parse_trust_list(now.back().payload);
  if (!list) return while_doing(list.error(), "site settings");
  if (list->version > old->version) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "trust list: version {} is given to another content already: expected a version above {}, found {}; nothing was changed, do it again",
          list->version, old->version, list->version));
}

std::string site_text(const SiteRecord& record) {
  const auto chain = texts_of(record.chain);
  return record_text(record, [&](auto& fields, auto& site) { site_fields(fields, site, chain); });
}

Result<SiteRecord> parse_site_record(std::string_view text) {
  std::vector<std::string> chain;
  auto record = parse_record<SiteRecord>(
      "site settings", text, [&](auto& fields, auto& site) { site_fields(fields, site, chain); },
      record_limits);
  if (!record) return record;
  for (const auto& item : chain) {
    auto envelope = parse_envelope(item);
    if (!envelope) return while_doing(envelope.error(), "site settings");
    record->chain.push_back(std::move(*envelope));
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
  auto record = as_stored(parse_site_record(found->value));
  if (!record) return pass(record.error());
  return FoundSite{std::move(*record), found->version};
}

Result<void> check_site_record(std::string_view json) {
  const auto record = parse_site_record(json);
  return record ? Result<void>() : pass(record.error());
}

Result<void> put_site(const FoundSite& before, const SiteRecord& record, Transaction& transaction) {
  if (auto grows = check_versions(before.record.chain, record.chain); !grows) return grows;
  transaction.expect(kinds::site, kinds::site_settings_key, before.version)
      .put(kinds::site, kinds::site_settings_key, site_text(record));
  return {};
}

Result<void> put_key(const PrivateKey& key, std::string_view kind, const SealingKey& sealing,
                     Transaction& transaction) {
  const PublicKey public_key = key.public_key();
  const std::string fingerprint = public_key.fingerprint();
  const auto sealed = seal_text(sealing, kind, fingerprint, key.pem());
  if (!sealed) return pass(sealed.error());
  transaction.expect(kind, fingerprint, 0)
      .put(kind, fingerprint, record_text(SealedKey{public_key.pem(), *sealed}, sealed_key_fields));
  return {};
}

Result<PrivateKey> load_key(const Store& store, std::string_view kind, std::string_view fingerprint,
                            const SealingKey& sealing) {
  const auto found = store.get(kind, fingerprint);
  if (!found) return pass(found.error());
  const std::string what = fmt::format("{} '{}'", kind, fingerprint);
  const auto record = parse_record<SealedKey>(what, found->value, sealed_key_fields);
  if (!record) return pass(record.error());
  return open_key(sealing, kind, fingerprint, record->sealed);
}

Result<void> check_key_record(std::string_view json) {
  return check_record<SealedKey>("sealed key", json, sealed_key_fields);
}

std::string trust_answer_text(const std::vector<Envelope>& chain) {
  return record_text(texts_of(chain), chain_field);
}

}  // namespace muster
