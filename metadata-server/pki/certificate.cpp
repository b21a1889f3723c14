#include "pki/certificate.hpp"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "pki/openssl_text.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"

namespace muster {

namespace {

using AlternativeNames = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

std::string text_of(const ASN1_STRING* string) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, string);
  if (size < 0) return {};
  std::string text(as_text(utf8, static_cast<std::size_t>(size)));
  OPENSSL_free(utf8);
  return text;
}

std::vector<std::string> subject_entries(const X509* certificate, int nid) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  std::vector<std::string> entries;
  for (int at = X509_NAME_get_index_by_NID(subject, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, nid, at))
    entries.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return entries;
}

AlternativeNames alternative_names(const X509* certificate) {
  return {static_cast<GENERAL_NAMES*>(
              X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
          GENERAL_NAMES_free};
}

std::string address_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if ((bytes.size() != 4 && bytes.size() != 16) ||
      inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr)
    return {};
  return text.data();
}

TimePoint time_point(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  // timegm would lock and look at the time zone: this is asked at every request.
  using namespace std::chrono;
  const sys_days day = year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday;
  return to_time_point(day + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec));
}

// One that was issued just now has it as bytes alone.
std::shared_ptr<EVP_PKEY> key_of(const X509* certificate) {
  EVP_PKEY* key = X509_get_pubkey(const_cast<X509*>(certificate));
  if (key == nullptr) {
    ERR_clear_error();
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    const unsigned char* position = der;
    key = size <= 0 ? nullptr : d2i_PUBKEY(nullptr, &position, size);
    OPENSSL_free(der);
  }
  if (key == nullptr) ERR_clear_error();
  return {key, EVP_PKEY_free};
}

bool allows(X509* certificate, std::uint32_t usage) {
  // Absent means "anything" in X.509; a certificate of ours always says what it is for.
  return (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0 &&
         (X509_get_extended_key_usage(certificate) & usage) != 0;
}

}  // namespace

Certificate Certificate::from_native(X509* certificate) {
  X509_up_ref(certificate);
  Certificate result;
  result.certificate_ = std::shared_ptr<X509>(certificate, X509_free);
  return result;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  auto list = list_from_pem(pem);
  if (!list) return pass(list.error());
  return list->front();
}

Result<std::vector<Certificate>> Certificate::list_from_pem(std::string_view pem) {
  const Buffer buffer = buffer_over(pem);
  std::vector<Certificate> list;
  while (X509* next = PEM_read_bio_X509(buffer.get(), nullptr, nullptr, nullptr)) {
    list.push_back(from_native(next));
    X509_free(next);
  }
  // The end of the text is the one failure that is expected, after at least one certificate.
  if (!list.empty() && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
    ERR_clear_error();
    return list;
  }
  return fail_openssl(
      ErrorKind::invalid,
      fmt::format("reading certificate {} (PEM 'CERTIFICATE' expected)", list.size() + 1));
}

std::string Certificate::pem() const {
  const Buffer buffer = empty_buffer();
  if (PEM_write_bio_X509(buffer.get(), native()) != 1) std::abort();
  return content(buffer);
}

std::string Certificate::fingerprint() const {
  unsigned char* der = nullptr;
  const int size = i2d_X509(native(), &der);
  if (size <= 0) std::abort();
  std::string digest = sha256_digest(as_text(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return digest;
}

std::string Certificate::serial() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(native());
  return hex_encode(
      as_text(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))));
}

std::string Certificate::common_name() const {
  const auto names = subject_entries(native(), NID_commonName);
  return names.empty() ? std::string() : names.front();
}

std::vector<std::string> Certificate::organizations() const {
  return subject_entries(native(), NID_organizationName);
}

std::vector<std::string> Certificate::organizational_units() const {
  return subject_entries(native(), NID_organizationalUnitName);
}

std::vector<std::string> Certificate::dns_names() const {
  const AlternativeNames names = alternative_names(native());
  std::vector<std::string> result;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) result.push_back(text_of(name->d.dNSName));
  }
  return result;
}

std::vector<std::string> Certificate::ip_addresses() const {
  const AlternativeNames names = alternative_names(native());
  std::vector<std::string> result;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_IPADD) continue;
    const ASN1_OCTET_STRING* address = name->d.iPAddress;
    result.push_back(address_text(as_text(ASN1_STRING_get0_data(address),
                                          static_cast<std::size_t>(ASN1_STRING_length(address)))));
  }
  return result;
}

bool Certificate::is_authority() const {
  return X509_check_ca(native()) == 1;
}
bool Certificate::allows_client() const {
  return allows(native(), XKU_SSL_CLIENT);
}
bool Certificate::allows_server() const {
  return allows(native(), XKU_SSL_SERVER);
}

TimePoint Certificate::not_before() const {
  return time_point(X509_get0_notBefore(native()));
}
TimePoint Certificate::not_after() const {
  return time_point(X509_get0_notAfter(native()));
}

PublicKey Certificate::public_key() const {
  return PublicKey(key_of(native()));
}

bool Certificate::matches(const PrivateKey& key) const {
  return EVP_PKEY_eq(key_of(native()).get(), key.native()) == 1;
}

bool is_due_for_renewal(const Certificate& certificate, TimePoint now) {
  return now >= certificate.not_before() + (certificate.not_after() - certificate.not_before()) / 2;
}

}  // namespace muster
