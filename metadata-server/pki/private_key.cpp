#include "pki/private_key.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdlib>

#include "pki/openssl_text.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

DigestContext digest_context() {
  DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context) std::abort();
  return context;
}

// Ed25519 hashes by itself and refuses a digest given from outside.
const EVP_MD* message_digest(const EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

Result<PrivateKey> generated(EVP_PKEY* key, std::string_view kind) {
  if (key == nullptr)
    return fail_openssl(ErrorKind::internal, fmt::format("generating a {} key", kind));
  return PrivateKey(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free));
}

// Without OpenSSL's reason, which differs between its releases and says no more.
tl::unexpected<Error> not_readable(std::string message) {
  ERR_clear_error();
  return fail(ErrorKind::invalid, std::move(message));
}

// An encrypted key would make OpenSSL ask on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const Buffer buffer = buffer_over(pem);
  EVP_PKEY* key = PEM_read_bio_PUBKEY(buffer.get(), nullptr, no_passphrase, nullptr);
  if (key == nullptr)
    return not_readable("public key: expected PEM 'PUBLIC KEY', found something else");
  return PublicKey(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free));
}

std::string PublicKey::pem() const {
  const Buffer buffer = empty_buffer();
  if (PEM_write_bio_PUBKEY(buffer.get(), key_.get()) != 1) std::abort();
  return content(buffer);
}

std::string PublicKey::fingerprint() const {
  return sha256_digest(public_der(key_.get()));
}

Result<void> PublicKey::verify(std::string_view message, std::string_view signature) const {
  const DigestContext context = digest_context();
  if (EVP_DigestVerifyInit(context.get(), nullptr, message_digest(key_.get()), nullptr,
                           key_.get()) != 1)
    return fail_openssl(ErrorKind::invalid, "a public key that cannot verify signatures");
  if (EVP_DigestVerify(context.get(), as_bytes(signature), signature.size(), as_bytes(message),
                       message.size()) != 1) {
    (void)fail_openssl(ErrorKind::unauthenticated, "");  // leaves OpenSSL's queue empty
    return fail(ErrorKind::unauthenticated,
                fmt::format("the signature does not verify with key {}", fingerprint()));
  }
  return {};
}

Result<PrivateKey> PrivateKey::generate_p256() {
  return generated(EVP_EC_gen("P-256"), "P-256");
}

Result<PrivateKey> PrivateKey::generate_ed25519() {
  return generated(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), "Ed25519");
}

Result<PrivateKey> PrivateKey::generate_rsa2048() {
  return generated(EVP_RSA_gen(2048), "RSA-2048");
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const Buffer buffer = buffer_over(pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(buffer.get(), nullptr, no_passphrase, nullptr);
  if (key == nullptr)
    return not_readable(
        "private key: expected PEM 'PRIVATE KEY' without a passphrase, found something else");
  return PrivateKey(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free));
}

std::string PrivateKey::pem() const {
  const Buffer buffer = empty_buffer();
  if (PEM_write_bio_PKCS8PrivateKey(buffer.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1)
    std::abort();
  return content(buffer);
}

PublicKey PrivateKey::public_key() const {
  // A copy through the public encoding: sharing the object would hand the private half to whoever
  // holds the "public" key.
  const std::string der = public_der(key_.get());
  const unsigned char* position = as_bytes(der);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size()));
  if (key == nullptr) std::abort();
  return PublicKey(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free));
}

Result<std::string> PrivateKey::sign(std::string_view message) const {
  const DigestContext context = digest_context();
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, message_digest(key_.get()), nullptr, key_.get()) !=
          1 ||
      EVP_DigestSign(context.get(), nullptr, &size, as_bytes(message), message.size()) != 1)
    return fail_openssl(ErrorKind::internal, "signing");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), as_bytes(signature.data()), &size, as_bytes(message),
                     message.size()) != 1)
    return fail_openssl(ErrorKind::internal, "signing");
  signature.resize(size);
  return signature;
}

}  // namespace muster
