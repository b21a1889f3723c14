#include "pki/recovery_box.hpp"

#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pki/openssl_text.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

using OwnedX509 = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr std::size_t at_once = 1u << 20;
constexpr unsigned streaming = CMS_BINARY | CMS_STREAM | CMS_PARTIAL;

// OpenSSL's own choice is SHA-1.
bool agree_by_sha256(CMS_RecipientInfo* recipient) {
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
  return context != nullptr && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) == 1;
}

}  // namespace

Result<Certificate> recovery_certificate(const PrivateKey& key) {
  if (EVP_PKEY_get_base_id(key.native()) != EVP_PKEY_EC)
    return fail(ErrorKind::invalid, "recovery key: expected one of P-256, found another kind");
  const OwnedX509 certificate(X509_new(), X509_free);
  X509* x509 = certificate.get();
  X509_NAME* subject = x509 == nullptr ? nullptr : X509_get_subject_name(x509);
  const char name[] = "muster-recovery";
  // Without an end (RFC 5280, 4.1.2.5): what a site's whole life is encrypted to.
  if (subject == nullptr || X509_set_version(x509, X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(x509), -300) == nullptr ||
      ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "99991231235959Z") != 1 ||
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, as_bytes(name), -1, -1,
                                 0) != 1 ||
      X509_set_issuer_name(x509, subject) != 1 || X509_set_pubkey(x509, key.native()) != 1 ||
      X509_sign(x509, key.native(), EVP_sha256()) <= 0)
    return fail_openssl(ErrorKind::internal, "making the recovery key's certificate");
  return Certificate::from_native(x509);
}

struct RecoveryWriter::Impl {
  explicit Impl(Sink given) : sink(std::move(given)) {}
  ~Impl() {
    // The chain ends in `out`, which frees itself.
    while (chain != nullptr && chain != out.get()) {
      BIO* next = BIO_pop(chain);
      BIO_free(chain);
      chain = next;
    }
  }
  Impl(const Impl&) = delete;

  Result<void> drain() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    if (size <= 0) return {};
    auto taken = sink({bytes, static_cast<std::size_t>(size)});
    static_cast<void>(BIO_reset(out.get()));
    return taken;
  }

  Sink sink;
  std::unique_ptr<CMS_ContentInfo, void (*)(CMS_ContentInfo*)> cms{nullptr, CMS_ContentInfo_free};
  Buffer out = empty_buffer();
  BIO* chain = nullptr;
};

RecoveryWriter::RecoveryWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RecoveryWriter::RecoveryWriter(RecoveryWriter&&) noexcept = default;
RecoveryWriter& RecoveryWriter::operator=(RecoveryWriter&&) noexcept = default;
RecoveryWriter::~RecoveryWriter() = default;

Result<RecoveryWriter> RecoveryWriter::begin(const Certificate& recipient, Sink sink) {
  auto impl = std::make_unique<Impl>(std::move(sink));
  impl->cms.reset(CMS_AuthEnvelopedData_create_ex(EVP_aes_256_gcm(), nullptr, nullptr));
  CMS_RecipientInfo* added =
      impl->cms == nullptr
          ? nullptr
          : CMS_add1_recipient_cert(impl->cms.get(), recipient.native(), streaming | CMS_KEY_PARAM);
  if (added == nullptr || !agree_by_sha256(added))
    return fail_openssl(ErrorKind::invalid, "encrypting to the recovery key");
  CMS_set_detached(impl->cms.get(), 0);
  impl->chain = BIO_new_CMS(impl->out.get(), impl->cms.get());
  if (impl->chain == nullptr)
    return fail_openssl(ErrorKind::internal, "encrypting to the recovery key");
  return RecoveryWriter(std::move(impl));
}

Result<void> RecoveryWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, at_once);
    if (BIO_write(impl_->chain, part.data(), static_cast<int>(part.size())) !=
        static_cast<int>(part.size()))
      return fail_openssl(ErrorKind::internal, "encrypting to the recovery key");
    bytes.remove_prefix(part.size());
    if (auto drained = impl_->drain(); !drained) return drained;
  }
  return {};
}

Result<void> RecoveryWriter::finish() {
  if (BIO_flush(impl_->chain) != 1)
    return fail_openssl(ErrorKind::internal, "encrypting to the recovery key");
  return impl_->drain();
}

namespace {

using OwnedCms = std::unique_ptr<CMS_ContentInfo, void (*)(CMS_ContentInfo*)>;

Result<OwnedCms> read_cms(BIO* in) {
  OwnedCms cms(d2i_CMS_bio(in, nullptr), CMS_ContentInfo_free);
  if (!cms) return fail_openssl(ErrorKind::invalid, "expected CMS AuthEnvelopedData");
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_id_smime_ct_authEnvelopedData)
    return fail(ErrorKind::invalid, "expected CMS AuthEnvelopedData, found another type");
  return cms;
}

// OpenSSL's own reason is the step of its code that failed.
tl::unexpected<Error> fail_closed() {
  ERR_clear_error();
  return fail(ErrorKind::forbidden, "it does not open with this key: another key's, or altered");
}

Buffer open_to_read(const std::string& path) {
  return {BIO_new_file(path.c_str(), "rb"), [](BIO* bio) { return BIO_free(bio); }};
}

Result<void> decrypt(BIO* in, const PrivateKey& key, BIO* out) {
  const auto cms = read_cms(in);
  if (!cms) return pass(cms.error());
  if (CMS_decrypt(cms->get(), key.native(), nullptr, nullptr, out, CMS_BINARY) != 1)
    return fail_closed();
  return {};
}

}  // namespace

Result<void> open_recovery_file(const std::string& from, const PrivateKey& key,
                                const std::string& to) {
  const FileDescriptor made(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made.is_open()) return fail_errno(errno, fmt::format("creating '{}'", to));
  const Buffer in = open_to_read(from);
  const Buffer out(BIO_new_fd(made.get(), BIO_NOCLOSE), [](BIO* bio) { return BIO_free(bio); });
  Result<void> opened;
  if (!in || !out) opened = fail_openssl(ErrorKind::io, "opening it");
  if (opened) opened = decrypt(in.get(), key, out.get());
  if (opened) return {};
  ::unlink(to.c_str());
  return while_doing(opened.error(), fmt::format("'{}'", from));
}

Result<std::string> read_recovery_start(const std::string& from, const PrivateKey& key,
                                        std::size_t size) {
  const Buffer in = open_to_read(from);
  if (!in) return fail_openssl(ErrorKind::io, fmt::format("opening '{}'", from));
  const auto cms = read_cms(in.get());
  if (!cms) return while_doing(cms.error(), fmt::format("'{}'", from));
  const bool is_open = CMS_decrypt_set1_pkey(cms->get(), key.native(), nullptr) == 1;
  // A chain of decrypting and reading.
  const std::unique_ptr<BIO, void (*)(BIO*)> chain(
      is_open ? CMS_dataInit(cms->get(), nullptr) : nullptr, BIO_free_all);
  if (!chain) return while_doing(fail_closed().value(), fmt::format("'{}'", from));
  std::string start(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const int read =
        BIO_read(chain.get(), start.data() + got, static_cast<int>(std::min(size - got, at_once)));
    if (read <= 0) break;
    got += static_cast<std::size_t>(read);
  }
  ERR_clear_error();
  start.resize(got);
  return start;
}

}  // namespace muster
