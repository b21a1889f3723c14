#include "pki/certificate_authority.hpp"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "pki/openssl_text.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

using NativeCertificate = std::unique_ptr<X509, decltype(&X509_free)>;
using AlternativeNames = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

constexpr std::size_t serial_size = 16;   // bytes
constexpr std::size_t maximum_name = 64;  // ub-common-name, RFC 5280 appendix A.1

bool set_serial(X509* certificate) {
  std::string bytes = random_bytes(serial_size);
  // A set top bit would make DER prefix a zero byte; a zero first byte would make it shorter.
  bytes[0] = static_cast<char>((static_cast<unsigned char>(bytes[0]) & 0x3fU) | 0x40U);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      BN_bin2bn(as_bytes(bytes), static_cast<int>(bytes.size()), nullptr), BN_free);
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// X509_set_pubkey encodes the key and decodes it again, which takes longer than signing.
bool set_public_key(X509* certificate, EVP_PKEY* key) {
  const std::string point = p256_point(key);
  if (point.empty()) return X509_set_pubkey(certificate, key) == 1;
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(point.data(), point.size()));
  if (copy != nullptr && X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate),
                                                OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                                                V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1),
                                                copy, static_cast<int>(point.size())) == 1)
    return true;
  OPENSSL_free(copy);
  return false;
}

bool set_time(ASN1_TIME* field, TimePoint time) {
  return ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr;
}

bool add_name(X509_NAME* subject, int nid, std::string_view value) {
  return X509_NAME_add_entry_by_NID(subject, nid, MBSTRING_UTF8, as_bytes(value),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, int nid, const char* value, X509* issuer) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value), X509_EXTENSION_free);
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Result<void> add_alternative(GENERAL_NAMES* names, int type, std::string_view bytes) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* value = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
  if (name == nullptr || value == nullptr ||
      ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail_openssl(ErrorKind::internal, "making a subject alternative name");
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) == 0)
    return fail_openssl(ErrorKind::internal, "adding a subject alternative name");
  return {};
}

Result<std::string> address_bytes(const std::string& address) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1)
    return std::string(bytes.data(), sizeof(in_addr));
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1)
    return std::string(bytes.data(), sizeof(in6_addr));
  return fail(ErrorKind::invalid,
              fmt::format("certificate: expected an IP address, found '{}'", address));
}

// Built from values, never through OpenSSL's configuration syntax, where a comma in a name would
// begin another one.
Result<void> add_alternatives(X509* certificate, const Subject& subject) {
  if (subject.dns_names.empty() && subject.ip_addresses.empty()) return {};
  const AlternativeNames names(GENERAL_NAMES_new(), GENERAL_NAMES_free);
  if (!names) return fail_openssl(ErrorKind::internal, "making subject alternative names");
  for (const auto& dns : subject.dns_names)
    if (auto added = add_alternative(names.get(), GEN_DNS, dns); !added) return added;
  for (const auto& address : subject.ip_addresses) {
    const auto bytes = address_bytes(address);
    if (!bytes) return pass(bytes.error());
    if (auto added = add_alternative(names.get(), GEN_IPADD, *bytes); !added) return added;
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1)
    return fail_openssl(ErrorKind::internal, "adding subject alternative names");
  return {};
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

Result<void> check(const Subject& subject) {
  const auto refuse = [](std::string_view field, std::string_view value) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "certificate: expected a {} of 1 to {} printable ASCII characters, found {} characters",
            field, field == "DNS name" ? 253 : maximum_name, value.size()));
  };
  const auto is_name = [](std::string_view text) {
    return !text.empty() && text.size() <= maximum_name && is_plain(text);
  };
  if (!is_name(subject.common_name)) return refuse("common name", subject.common_name);
  for (const auto& name : subject.organizations)
    if (!is_name(name)) return refuse("organization", name);
  for (const auto& name : subject.organizational_units)
    if (!is_name(name)) return refuse("organizational unit", name);
  for (const auto& name : subject.dns_names)
    if (name.empty() || name.size() > 253 || !is_plain(name)) return refuse("DNS name", name);
  if (!subject.client && !subject.server)
    return fail(ErrorKind::invalid,
                fmt::format("certificate '{}': expected a usage, client or server, found none",
                            subject.common_name));
  return {};
}

bool add_subject(X509* certificate, const Subject& subject) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add_all = [name](int nid, const std::vector<std::string>& values) {
    return std::all_of(values.begin(), values.end(),
                       [=](const std::string& value) { return add_name(name, nid, value); });
  };
  return add_all(NID_organizationName, subject.organizations) &&
         add_all(NID_organizationalUnitName, subject.organizational_units) &&
         add_name(name, NID_commonName, subject.common_name);
}

const char* usage_text(const Subject& subject) {
  if (subject.client && subject.server) return "serverAuth,clientAuth";
  return subject.server ? "serverAuth" : "clientAuth";
}

}  // namespace

Result<CertificateAuthority> CertificateAuthority::create(std::string_view common_name,
                                                          std::chrono::seconds lifetime) {
  auto key = PrivateKey::generate_p256();
  if (!key) return pass(key.error());
  const NativeCertificate certificate(X509_new(), X509_free);
  X509* x509 = certificate.get();
  const TimePoint now = std::chrono::system_clock::now();
  if (x509 == nullptr || X509_set_version(x509, X509_VERSION_3) != 1 || !set_serial(x509) ||
      !set_time(X509_getm_notBefore(x509), now - certificate_backdate) ||
      !set_time(X509_getm_notAfter(x509), now + lifetime) ||
      !add_name(X509_get_subject_name(x509), NID_commonName, common_name) ||
      X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1 ||
      X509_set_pubkey(x509, key->native()) != 1 ||
      !add_extension(x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", x509) ||
      !add_extension(x509, NID_key_usage, "critical,keyCertSign,cRLSign", x509) ||
      !add_extension(x509, NID_subject_key_identifier, "hash", x509) ||
      X509_sign(x509, key->native(), EVP_sha256()) <= 0)
    return fail_openssl(ErrorKind::invalid,
                        fmt::format("making the certificate authority '{}'", common_name));
  return CertificateAuthority(Certificate::from_native(x509), std::move(*key));
}

Result<CertificateAuthority> CertificateAuthority::from_pem(std::string_view certificate_pem,
                                                            std::string_view key_pem) {
  auto certificate = Certificate::from_pem(certificate_pem);
  if (!certificate) return while_doing(certificate.error(), "certificate authority");
  auto key = PrivateKey::from_pem(key_pem);
  if (!key) return while_doing(key.error(), "certificate authority");
  if (!certificate->is_authority())
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "certificate authority '{}': expected a certificate with CA:TRUE, found one without",
            certificate->common_name()));
  if (!certificate->matches(*key))
    return fail(ErrorKind::invalid,
                fmt::format("certificate authority '{}': the key is not that of the certificate",
                            certificate->common_name()));
  return CertificateAuthority(std::move(*certificate), std::move(*key));
}

Result<Certificate> CertificateAuthority::issue(const PublicKey& key, const Subject& subject,
                                                std::chrono::seconds lifetime, TimePoint now,
                                                TimePoint earliest) const {
  if (auto checked = check(subject); !checked) return pass(checked.error());
  X509* issuer = certificate_.native();
  const TimePoint end = std::min(now + lifetime, certificate_.not_after());
  if (end <= now)
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "certificate '{}': nothing to issue, the lifetime is over or the authority '{}' has expired. Rotate the authority.",
            subject.common_name, certificate_.common_name()));
  const NativeCertificate certificate(X509_new(), X509_free);
  X509* x509 = certificate.get();
  const auto failed = [&subject] {
    return fail_openssl(ErrorKind::internal,
                        fmt::format("issuing certificate '{}'", subject.common_name));
  };
  if (x509 == nullptr || X509_set_version(x509, X509_VERSION_3) != 1 || !set_serial(x509) ||
      !set_time(X509_getm_notBefore(x509), std::min(now, earliest) - certificate_backdate) ||
      !set_time(X509_getm_notAfter(x509), end) || !add_subject(x509, subject) ||
      X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1 ||
      !set_public_key(x509, key.native()) ||
      !add_extension(x509, NID_basic_constraints, "critical,CA:FALSE", issuer) ||
      !add_extension(x509, NID_key_usage, "critical,digitalSignature", issuer) ||
      !add_extension(x509, NID_ext_key_usage, usage_text(subject), issuer) ||
      !add_extension(x509, NID_authority_key_identifier, "keyid", issuer))
    return failed();
  if (auto added = add_alternatives(x509, subject); !added) return pass(added.error());
  if (X509_sign(x509, key_.native(), EVP_sha256()) <= 0) return failed();
  return Certificate::from_native(x509);
}

}  // namespace muster
