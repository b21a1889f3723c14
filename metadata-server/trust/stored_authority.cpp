#include "trust/stored_authority.hpp"

#include "records/record_fields.hpp"
#include "records/sealed_text.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr auto authority_lifetime = std::chrono::hours(24 * 3650);

struct AuthorityRecord {
  std::vector<std::string> certificates;  // PEM, the issuing one first
  std::string sealed_key;                 // of the issuing one
};

constexpr auto authority_fields = [](auto& fields, auto& record) {
  fields.texts("certificates", record.certificates);
  fields.text("sealedKey", record.sealed_key);
};

Result<AuthorityRecord> read_record(const Store& store, std::string_view key) {
  const auto found = store.get(kinds::authority, key);
  if (!found) return pass(found.error());
  const std::string what = fmt::format("authority '{}'", key);
  auto record = parse_record<AuthorityRecord>(what, found->value, authority_fields);
  if (record && record->certificates.empty()) {
    const Problem none{"/certificates", "expected at least one certificate, found none"};
    return fail(what, std::vector<Problem>{none});
  }
  return record;
}

}  // namespace

Result<void> check_authority_record(std::string_view json) {
  const auto record = parse_record<AuthorityRecord>("authority record", json, authority_fields);
  return record ? Result<void>() : pass(record.error());
}

std::vector<std::string> StoredAuthority::trusted_pem() const {
  std::vector<std::string> list;
  for (const auto& certificate : trusted) list.push_back(certificate.pem());
  return list;
}

Result<StoredAuthority> create_authority(std::string_view key, std::string_view common_name,
                                         const SealingKey& sealing, Transaction& transaction) {
  auto authority = CertificateAuthority::create(common_name, authority_lifetime);
  if (!authority) return pass(authority.error());
  const auto sealed = seal_text(sealing, kinds::authority, key, authority->key_pem());
  if (!sealed) return pass(sealed.error());
  transaction.expect(kinds::authority, key, 0)
      .put(kinds::authority, key,
           record_text(AuthorityRecord{{authority->certificate().pem()}, *sealed},
                       authority_fields));
  const Certificate certificate = authority->certificate();
  return StoredAuthority{std::move(*authority), {certificate}};
}

Result<StoredAuthority> load_authority(const Store& store, std::string_view key,
                                       const SealingKey& sealing) {
  const auto record = read_record(store, key);
  if (!record) return pass(record.error());
  const auto key_pem = open_text(sealing, kinds::authority, key, record->sealed_key);
  if (!key_pem) return pass(key_pem.error());
  auto issuing = CertificateAuthority::from_pem(record->certificates.front(), *key_pem);
  if (!issuing) return while_doing(issuing.error(), fmt::format("authority '{}'", key));
  std::vector<Certificate> trusted = {issuing->certificate()};
  for (std::size_t i = 1; i < record->certificates.size(); ++i) {
    auto certificate = Certificate::from_pem(record->certificates[i]);
    if (!certificate) return while_doing(certificate.error(), fmt::format("authority '{}'", key));
    trusted.push_back(std::move(*certificate));
  }
  return StoredAuthority{std::move(*issuing), std::move(trusted)};
}

Result<std::vector<std::string>> load_trusted(const Store& store, std::string_view key) {
  auto record = read_record(store, key);
  if (!record) return pass(record.error());
  return std::move(record->certificates);
}

}  // namespace muster
