// A certificate authority in memory: its private key never leaves the server.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "pki/certificate.hpp"

namespace muster {

// A machine whose clock is a little behind must still find a new certificate valid: it is from so
// long before it was issued.
inline constexpr std::chrono::minutes certificate_backdate{5};

struct Subject {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> organizational_units;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool client = false;  // extended key usage clientAuth
  bool server = false;  // extended key usage serverAuth
};

class CertificateAuthority {
 public:
  // Self-signed, P-256, CA:TRUE pathlen 0, keyUsage certSign|cRLSign. Backdated five minutes.
  [[nodiscard]] static Result<CertificateAuthority> create(std::string_view common_name,
                                                           std::chrono::seconds lifetime);
  [[nodiscard]] static Result<CertificateAuthority> from_pem(std::string_view certificate_pem,
                                                             std::string_view key_pem);
  // Subject, SANs and usages come from `subject` alone; only the public key is the requester's.
  // Random 128-bit serial; CA:FALSE; keyUsage digitalSignature; backdated five minutes; never
  // outlives the authority. `earliest`: the earliest that it can be where `now` is in doubt; it is
  // backdated from there, to be valid when the clock is put right.
  [[nodiscard]] Result<Certificate> issue(const PublicKey& key, const Subject& subject,
                                          std::chrono::seconds lifetime, TimePoint now,
                                          TimePoint earliest = TimePoint::max()) const;
  [[nodiscard]] const Certificate& certificate() const { return certificate_; }
  [[nodiscard]] std::string key_pem() const { return key_.pem(); }

 private:
  CertificateAuthority(Certificate certificate, PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  Certificate certificate_;
  PrivateKey key_;
};

}  // namespace muster
