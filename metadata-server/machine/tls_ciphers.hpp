// The TLS 1.2 cipher suites that every Kubernetes component offers (TLS 1.3 has no choice to make):
// forward secrecy and authenticated encryption only. CIS Kubernetes Benchmark, 1.2.29 and 4.2.12.
#pragma once

#include <string>
#include <vector>

namespace muster {

// Go's names, as --tls-cipher-suites has them.
[[nodiscard]] inline const std::vector<std::string>& tls_ciphers() {
  static const std::vector<std::string> names = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                                 "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                                 "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                                 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                                 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                                 "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"};
  return names;
}

}  // namespace muster
