#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdlib>

#include "pki/certificate.hpp"
#include "pki/openssl_text.hpp"

namespace muster {

namespace {

constexpr std::size_t maximum_request_size = std::size_t{16} * 1024;  // bytes of PEM
constexpr int minimum_rsa_bits = 2048;

Result<void> check_key(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return {};
    case EVP_PKEY_RSA:
      if (EVP_PKEY_get_bits(key) >= minimum_rsa_bits) return {};
      return fail(
          ErrorKind::invalid,
          fmt::format(
              "certificate request: expected an RSA key of at least {} bits, found {} bits. Use P-256.",
              minimum_rsa_bits, EVP_PKEY_get_bits(key)));
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      std::size_t size = 0;
      if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
          std::string_view(group.data(), size) == "prime256v1")
        return {};
      return fail(ErrorKind::invalid,
                  fmt::format("certificate request: expected the curve P-256, found '{}'",
                              std::string_view(group.data(), size)));
    }
    default:
      return fail(
          ErrorKind::invalid,
          fmt::format("certificate request: expected a key of P-256, Ed25519 or RSA, found '{}'",
                      OBJ_nid2sn(EVP_PKEY_get_base_id(key))));
  }
}

}  // namespace

Result<CertificateRequest> CertificateRequest::create(const PrivateKey& key,
                                                      std::string_view common_name) {
  CertificateRequest result;
  result.request_ = std::shared_ptr<X509_REQ>(X509_REQ_new(), X509_REQ_free);
  X509_REQ* request = result.request_.get();
  const EVP_MD* digest =
      EVP_PKEY_get_base_id(key.native()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  if (request == nullptr || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
      X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName, MBSTRING_UTF8,
                                 as_bytes(common_name), static_cast<int>(common_name.size()), -1,
                                 0) != 1 ||
      X509_REQ_set_pubkey(request, key.native()) != 1 ||
      X509_REQ_sign(request, key.native(), digest) <= 0)
    return fail_openssl(ErrorKind::invalid,
                        fmt::format("making a certificate request for '{}'", common_name));
  return result;
}

Result<CertificateRequest> CertificateRequest::from_pem(std::string_view pem) {
  if (pem.size() > maximum_request_size)
    return fail(ErrorKind::invalid,
                fmt::format("certificate request: expected at most {} bytes, found {}",
                            maximum_request_size, pem.size()));
  const Buffer buffer = buffer_over(pem);
  CertificateRequest result;
  result.request_ = std::shared_ptr<X509_REQ>(
      PEM_read_bio_X509_REQ(buffer.get(), nullptr, nullptr, nullptr), X509_REQ_free);
  if (!result.request_)
    return fail_openssl(ErrorKind::invalid,
                        "reading a certificate request (PEM 'CERTIFICATE REQUEST' expected)");
  EVP_PKEY* key = X509_REQ_get0_pubkey(result.request_.get());
  if (key == nullptr)
    return fail_openssl(ErrorKind::invalid, "reading the public key of a certificate request");
  if (auto checked = check_key(key); !checked) return pass(checked.error());
  if (X509_REQ_verify(result.request_.get(), key) != 1) {
    ERR_clear_error();
    return fail(
        ErrorKind::unauthenticated,
        "certificate request: its own signature does not verify, so its sender has not proven to hold the key");
  }
  return result;
}

std::string CertificateRequest::pem() const {
  const Buffer buffer = empty_buffer();
  if (PEM_write_bio_X509_REQ(buffer.get(), request_.get()) != 1) std::abort();
  return content(buffer);
}

PublicKey CertificateRequest::public_key() const {
  return PublicKey(std::shared_ptr<EVP_PKEY>(X509_REQ_get_pubkey(request_.get()), EVP_PKEY_free));
}

}  // namespace muster
