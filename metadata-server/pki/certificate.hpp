// X.509 certificates and certificate signing requests, read-only views of OpenSSL objects. Values,
// cheap to copy, usable from several threads.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pki/private_key.hpp"
#include "result/result.hpp"

struct X509_req_st;  // X509_REQ, which openssl/types.h leaves out

namespace muster {

using TimePoint = std::chrono::system_clock::time_point;

class Certificate {
 public:
  [[nodiscard]] static Result<Certificate> from_pem(std::string_view pem);  // the first in the text
  [[nodiscard]] static Result<std::vector<Certificate>> list_from_pem(std::string_view pem);
  // Takes a reference of its own.
  [[nodiscard]] static Certificate from_native(X509* certificate);
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string fingerprint() const;  // "sha256:" of the DER certificate
  [[nodiscard]] std::string serial() const;       // lower-case hex
  [[nodiscard]] std::string common_name() const;
  [[nodiscard]] std::vector<std::string> organizations() const;
  [[nodiscard]] std::vector<std::string> organizational_units() const;
  [[nodiscard]] std::vector<std::string> dns_names() const;
  [[nodiscard]] std::vector<std::string> ip_addresses() const;
  [[nodiscard]] bool is_authority() const;
  [[nodiscard]] bool allows_client() const;
  [[nodiscard]] bool allows_server() const;
  [[nodiscard]] TimePoint not_before() const;
  [[nodiscard]] TimePoint not_after() const;
  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] bool matches(const PrivateKey& key) const;
  [[nodiscard]] X509* native() const { return certificate_.get(); }

 private:
  std::shared_ptr<X509> certificate_;
};

// A CSR is trusted for one thing only: its public key, proven by its own signature.
class CertificateRequest {
 public:
  [[nodiscard]] static Result<CertificateRequest> create(const PrivateKey& key,
                                                         std::string_view common_name);
  // Verifies the self-signature; refuses keys other than P-256, Ed25519 or RSA >= 2048, and > 16
  // KiB.
  [[nodiscard]] static Result<CertificateRequest> from_pem(std::string_view pem);
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] PublicKey public_key() const;

 private:
  std::shared_ptr<X509_req_st> request_;
};

// Half of the lifetime has passed (the moment of renewal).
[[nodiscard]] bool is_due_for_renewal(const Certificate& certificate, TimePoint now);

}  // namespace muster
