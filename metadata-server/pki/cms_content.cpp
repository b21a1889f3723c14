#include "pki/cms_content.hpp"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "pki/openssl_text.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_message = 64u << 10;
constexpr int weakest_rsa = 2048;

struct FreeCms {
  void operator()(CMS_ContentInfo* cms) const { CMS_ContentInfo_free(cms); }
};
using Cms = std::unique_ptr<CMS_ContentInfo, FreeCms>;

struct FreeCertificates {
  void operator()(STACK_OF(X509) * list) const { sk_X509_free(list); }
};
using Certificates = std::unique_ptr<STACK_OF(X509), FreeCertificates>;

Result<Cms> parse(std::string_view der) {
  if (der.size() > largest_message) {
    return fail(ErrorKind::exhausted,
                fmt::format("CMS message: expected at most {} bytes, found {}", largest_message,
                            der.size()));
  }
  const unsigned char* start = as_bytes(der);
  Cms cms(d2i_CMS_ContentInfo(nullptr, &start, static_cast<long>(der.size())));
  if (!cms) return fail_openssl(ErrorKind::invalid, "CMS message");
  if (start != as_bytes(der) + der.size()) {
    return fail(ErrorKind::invalid, "CMS message: expected nothing after it, found more bytes");
  }
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed) {
    return fail(ErrorKind::invalid, "CMS message: expected SignedData, found another type");
  }
  if (CMS_is_detached(cms.get()) != 0) {
    return fail(ErrorKind::invalid, "CMS message: expected the content inside, found none");
  }
  return cms;
}

// Which of `signers` the message says it is signed by.
Result<std::size_t> find_signer(CMS_SignerInfo* info, const std::vector<Certificate>& signers) {
  for (std::size_t i = 0; i < signers.size(); ++i) {
    if (CMS_SignerInfo_cert_cmp(info, signers[i].native()) == 0) return i;
  }
  return fail(ErrorKind::forbidden,
              "CMS message: it is signed by none of the certificates that are trusted for it");
}

Result<void> check_strength(CMS_SignerInfo* info, const Certificate& signer) {
  X509_ALGOR* digest = nullptr;
  CMS_SignerInfo_get0_algs(info, nullptr, nullptr, &digest, nullptr);
  const int nid = OBJ_obj2nid(digest->algorithm);
  if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512) {
    return fail(
        ErrorKind::forbidden,
        fmt::format("CMS message: expected a signature over SHA-256, SHA-384 or SHA-512, found {}",
                    OBJ_nid2sn(nid)));
  }
  const EVP_PKEY* key = X509_get0_pubkey(signer.native());
  const int type = key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);
  const bool is_strong =
      type == EVP_PKEY_EC || (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= weakest_rsa);
  if (is_strong) return {};
  return fail(ErrorKind::forbidden,
              "CMS message: expected a signer with an RSA key of at least 2048 bits or an EC key");
}

}  // namespace

Result<CmsContent> verify_cms(std::string_view der, const std::vector<Certificate>& signers) {
  const auto cms = parse(der);
  if (!cms) return pass(cms.error());
  STACK_OF(CMS_SignerInfo)* infos = CMS_get0_SignerInfos(cms->get());
  if (infos == nullptr || sk_CMS_SignerInfo_num(infos) != 1) {
    return fail(ErrorKind::invalid,
                fmt::format("CMS message: expected one signature, found {}",
                            infos == nullptr ? 0 : sk_CMS_SignerInfo_num(infos)));
  }
  CMS_SignerInfo* info = sk_CMS_SignerInfo_value(infos, 0);
  const auto signer = find_signer(info, signers);
  if (!signer) return pass(signer.error());
  if (auto strong = check_strength(info, signers[*signer]); !strong) return pass(strong.error());

  const Certificates pinned(sk_X509_new_null());
  if (!pinned || sk_X509_push(pinned.get(), signers[*signer].native()) <= 0) std::abort();
  Buffer bytes = empty_buffer();
  constexpr unsigned flags = CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY;
  if (CMS_verify(cms->get(), pinned.get(), nullptr, nullptr, bytes.get(), flags) != 1) {
    return fail_openssl(ErrorKind::forbidden, "CMS message: signature");
  }
  return CmsContent{content(bytes), *signer};
}

}  // namespace muster
