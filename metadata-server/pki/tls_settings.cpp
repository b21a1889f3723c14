#include "pki/tls_settings.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "pki/openssl_text.hpp"

namespace muster {

namespace {

// Both callbacks are plain functions of ours because OpenSSL then runs the full verification of
// every handshake through them; what they may forgive is named.
int accept_only_valid(int valid, X509_STORE_CTX*) {
  return valid;
}

int accept_any_dates(int valid, X509_STORE_CTX* context) {
  if (valid == 1) return 1;
  const int error = X509_STORE_CTX_get_error(context);
  // An expired authority is no authority; one whose time is to come is, where a clock is behind.
  const bool is_over = error == X509_V_ERR_CERT_HAS_EXPIRED;
  if (!is_over && error != X509_V_ERR_CERT_NOT_YET_VALID) return 0;
  if (is_over && X509_STORE_CTX_get_error_depth(context) != 0) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

Result<SslContext> make_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_num_tickets(context.get(), 0) != 1)
    return fail_openssl(ErrorKind::internal, "making a TLS context");
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // Without it the authorities that we trust would be sent as if they were our own chain.
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<void> use_certificate(SSL_CTX* context, std::string_view certificate_pem,
                             std::string_view key_pem) {
  const auto chain = Certificate::list_from_pem(certificate_pem);
  if (!chain) return pass(chain.error());
  const auto key = PrivateKey::from_pem(key_pem);
  if (!key) return pass(key.error());
  if (!chain->front().matches(*key))
    return fail(ErrorKind::invalid,
                fmt::format("TLS certificate '{}': the key is not that of the certificate",
                            chain->front().common_name()));
  if (SSL_CTX_use_certificate(context, chain->front().native()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key->native()) != 1)
    return fail_openssl(ErrorKind::invalid, fmt::format("using the TLS certificate '{}'",
                                                        chain->front().common_name()));
  for (std::size_t i = 1; i < chain->size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].native()) != 1)
      return fail_openssl(ErrorKind::invalid, "adding to the TLS certificate's chain");
  return {};
}

Result<std::vector<Certificate>> trust(SSL_CTX* context, std::string_view authorities_pem) {
  auto authorities = Certificate::list_from_pem(authorities_pem);
  if (!authorities) return authorities;
  for (const auto& authority : *authorities)
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.native()) != 1)
      return fail_openssl(ErrorKind::invalid,
                          fmt::format("trusting '{}'", authority.common_name()));
  return authorities;
}

}  // namespace

Result<SslContext> make_server_context(const TlsServerSettings& settings) {
  auto context = make_context(TLS_server_method());
  if (!context) return context;
  SSL_CTX* native = context->get();
  if (auto used = use_certificate(native, settings.certificate_pem, settings.key_pem); !used)
    return muster::while_doing(used.error(), "TLS server");
  const auto authorities = trust(native, settings.client_authorities_pem);
  if (!authorities)
    return muster::while_doing(authorities.error(), "TLS server: client authorities");
  // Tells a client that holds several certificates which one to present.
  for (const auto& authority : *authorities)
    if (SSL_CTX_add_client_CA(native, authority.native()) != 1)
      return fail_openssl(ErrorKind::internal, "TLS server: naming the client authorities");
  const bool is_required = settings.client_certificate == ClientCertificate::required;
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     accept_any_dates);
  return context;
}

Result<SslContext> make_client_context(const TlsClientSettings& settings) {
  if (settings.verify_server && settings.authorities_pem.empty())
    return fail(
        ErrorKind::invalid,
        "TLS client: expected the authorities of the server, found none. Only first contact goes without.");
  auto context = make_context(TLS_client_method());
  if (!context) return context;
  SSL_CTX* native = context->get();
  if (!settings.authorities_pem.empty())
    if (auto trusted = trust(native, settings.authorities_pem); !trusted)
      return muster::while_doing(trusted.error(), "TLS client: authorities");
  if (!settings.certificate_pem.empty())
    if (auto used = use_certificate(native, settings.certificate_pem, settings.key_pem); !used)
      return muster::while_doing(used.error(), "TLS client");
  SSL_CTX_set_verify(native, settings.verify_server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     settings.verify_server ? accept_only_valid : nullptr);
  if (!settings.check_dates)
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_NO_CHECK_TIME);
  return context;
}

}  // namespace muster
