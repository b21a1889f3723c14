#include "client/tls_adoption.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace muster {
namespace {

// Where the verify callback, which gets nothing of ours, leaves what it found.
int failure_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

int note_failed_check(int ok, X509_STORE_CTX* store_context) {
  if (ok == 1) return 1;
  const auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(store_context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* failure =
      static_cast<std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), failure_slot()));
  const X509* certificate = X509_STORE_CTX_get_current_cert(store_context);
  char subject[256] = "(none)";
  if (certificate != nullptr) {
    X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
  }
  *failure = fmt::format("the server's certificate was refused: {} (certificate '{}', depth {})",
                         X509_verify_cert_error_string(X509_STORE_CTX_get_error(store_context)),
                         subject, X509_STORE_CTX_get_error_depth(store_context));
  return 0;
}

// In TLS 1.3 a server refuses a client certificate only after the client's handshake is done; the
// alert is all that says so.
void note_alert(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT || (value >> 8) != SSL3_AL_FATAL) return;
  auto* failure =
      static_cast<std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), failure_slot()));
  // OpenSSL 3.0 has no name for the alert of TLS 1.3 that matters most here.
  const bool no_certificate = (value & 0xff) == SSL_AD_CERTIFICATE_REQUIRED;
  *failure =
      fmt::format("the server refused the TLS connection: {}",
                  no_certificate ? "certificate required" : SSL_alert_desc_string_long(value));
}

}  // namespace

void adopt_tls_settings(SSL_CTX* target, SSL_CTX* ours, const TlsClientSettings& settings,
                        const std::string& host, std::string& failure) {
  SSL_CTX_set_min_proto_version(target, static_cast<int>(SSL_CTX_get_min_proto_version(ours)));
  SSL_CTX_set_options(target, SSL_CTX_get_options(ours));
  SSL_CTX_set1_cert_store(target, SSL_CTX_get_cert_store(ours));
  SSL_CTX_set_session_cache_mode(target, SSL_SESS_CACHE_OFF);
  if (!settings.certificate_pem.empty()) {
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(ours, &chain);
    SSL_CTX_use_cert_and_key(target, SSL_CTX_get0_certificate(ours), SSL_CTX_get0_privatekey(ours),
                             chain, 1);
  }
  SSL_CTX_set_ex_data(target, failure_slot(), &failure);
  SSL_CTX_set_info_callback(target, note_alert);
  if (!settings.verify_server) return;
  SSL_CTX_set_verify(target, SSL_VERIFY_PEER, note_failed_check);
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(target);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  }
  X509_VERIFY_PARAM_set_flags(parameters, X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(ours)));
}

}  // namespace muster
