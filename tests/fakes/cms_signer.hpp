// Signs as AWS does: a self-signed RSA certificate, PKCS #7 SignedData with the content inside.
#pragma once

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "pki/certificate.hpp"

namespace muster {

class CmsSigner {
 public:
  explicit CmsSigner(long serial, unsigned bits = 2048)
      : key_(EVP_RSA_gen(bits), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509* certificate = certificate_.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>("Test authority");
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key_.get());
    must(X509_sign(certificate, key_.get(), EVP_sha256()) > 0);
  }

  [[nodiscard]] Certificate certificate() const {
    return Certificate::from_native(certificate_.get());
  }
  // DER. `other`: signs too. `flags` of CMS_sign besides the usual ones: CMS_NOCERTS leaves the
  // signer's certificate out, as AWS does.
  [[nodiscard]] std::string sign(const std::string& text, const EVP_MD* digest = EVP_sha256(),
                                 unsigned flags = CMS_NOCERTS,
                                 const CmsSigner* other = nullptr) const {
    std::unique_ptr<BIO, int (*)(BIO*)> data(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
    flags |= CMS_BINARY | CMS_PARTIAL;
    std::unique_ptr<CMS_ContentInfo, void (*)(CMS_ContentInfo*)> cms(
        CMS_sign(nullptr, nullptr, nullptr, data.get(), flags), CMS_ContentInfo_free);
    must(cms != nullptr);
    must(CMS_add1_signer(cms.get(), certificate_.get(), key_.get(), digest, flags) != nullptr);
    if (other != nullptr) {
      must(CMS_add1_signer(cms.get(), other->certificate_.get(), other->key_.get(), digest,
                           flags) != nullptr);
    }
    must(CMS_final(cms.get(), data.get(), nullptr, flags) == 1);
    unsigned char* der = nullptr;
    const int size = i2d_CMS_ContentInfo(cms.get(), &der);
    must(size > 0);
    std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return bytes;
  }

 private:
  static void must(bool ok) {
    if (!ok) throw std::runtime_error("CmsSigner: OpenSSL refused");
  }
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<X509, void (*)(X509*)> certificate_;
};

// The region eu-central-1's; made once, since an RSA key takes its time.
inline const CmsSigner& frankfurt() {
  static const CmsSigner signer(1);
  return signer;
}

}  // namespace muster
