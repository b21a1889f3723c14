// Both ends of every TLS connection, side by side. TLS 1.3 only; no tickets, no session cache, no
// renegotiation: a resumed session would skip the client certificate's verification.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "pki/certificate.hpp"

namespace muster {

// Of our chain, or the handshake ends. The dates of a client's own certificate are left to who
// looks at what it asks: this process' clock may be wrong, and be known to be.
enum class ClientCertificate {
  required,  // node listener
  optional,  // enrol listener: none as well
};

struct TlsServerSettings {
  std::string certificate_pem;  // leaf first
  std::string key_pem;
  std::string client_authorities_pem;
  ClientCertificate client_certificate = ClientCertificate::required;
};

struct TlsClientSettings {
  std::string
      authorities_pem;  // empty only for first contact, where the answer is verified by the pin
  std::string certificate_pem;  // empty: no client certificate
  std::string key_pem;
  bool verify_server = true;  // false: first contact only
  // false: the chain is verified, its dates are not; for a machine that says its clock is wrong.
  bool check_dates = true;
};

using SslContext = std::shared_ptr<SSL_CTX>;
[[nodiscard]] Result<SslContext> make_server_context(const TlsServerSettings& settings);
[[nodiscard]] Result<SslContext> make_client_context(const TlsClientSettings& settings);

}  // namespace muster
