// Key pairs: ECDSA P-256 for certificates, Ed25519 for documents, RSA only to read what others
// made. Values are cheap to copy (reference-counted) and may be used from several threads at once.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

class PublicKey {
 public:
  [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);
  [[nodiscard]] std::string pem() const;
  // "sha256:" + hex of the DER SubjectPublicKeyInfo: what people compare and settings pin.
  [[nodiscard]] std::string fingerprint() const;
  // Ed25519: `message` itself; ECDSA/RSA: SHA-256 of it. unauthenticated when it does not verify.
  [[nodiscard]] Result<void> verify(std::string_view message, std::string_view signature) const;
  [[nodiscard]] EVP_PKEY* native() const { return key_.get(); }
  explicit PublicKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

 private:
  std::shared_ptr<EVP_PKEY> key_;
};

class PrivateKey {
 public:
  [[nodiscard]] static Result<PrivateKey> generate_p256();
  [[nodiscard]] static Result<PrivateKey> generate_ed25519();
  [[nodiscard]] static Result<PrivateKey> generate_rsa2048();  // service-account keys
  [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem);
  [[nodiscard]] std::string pem() const;  // PKCS#8, never logged
  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;
  [[nodiscard]] EVP_PKEY* native() const { return key_.get(); }
  explicit PrivateKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

 private:
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace muster
