// httplib's client builds its own SSL_CTX and offers no way to hand one in, so everything that
// pki/tls_settings decided is carried over to it. Not thread-safe.
#pragma once

#include <openssl/types.h>

#include <string>

#include "pki/tls_settings.hpp"

namespace muster {

// Gives `target` the protocol, options, authorities, certificate and key of `ours`, and moves the
// check of chain, dates, usage and `host` (name or address) into the handshake. `failure`, which
// must outlive `target`, receives a sentence when a check of ours fails or the server ends the
// handshake.
void adopt_tls_settings(SSL_CTX* target, SSL_CTX* ours, const TlsClientSettings& settings,
                        const std::string& host, std::string& failure);

}  // namespace muster
