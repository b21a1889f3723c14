#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "http/transport.hpp"

namespace muster {
namespace {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// Clients change their keys after gigabytes; one that does nothing else keeps a thread busy.
constexpr int most_key_updates = 32;

class TlsTransport final : public Transport {
 public:
  TlsTransport(FileDescriptor connection, std::unique_ptr<SSL, SslFree> ssl)
      : Transport(std::move(connection)), ssl_(std::move(ssl)) {
    SSL_set_msg_callback(ssl_.get(), count_key_update);
    SSL_set_msg_callback_arg(ssl_.get(), &key_updates_);
  }

  Io handshake() override {
    ERR_clear_error();
    return from(SSL_accept(ssl_.get()), 0);
  }

  Io read(char* data, std::size_t size) override {
    for (;;) {
      std::size_t count = 0;
      ERR_clear_error();
      const int before = key_updates_;
      const int result = SSL_read_ex(ssl_.get(), data, size, &count);
      if (key_updates_ == before || result == 1) return from(result, count);
      // What came was no data; more may lie in OpenSSL's buffer.
      if (key_updates_ <= most_key_updates) continue;
      failure_ = "too many key updates";
      return {Io::State::failed};
    }
  }

  bool has_pending() const override { return SSL_has_pending(ssl_.get()) == 1; }

  Io write(std::string_view bytes) override {
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return from(result, count);
  }

  Io send_file(int file, std::uint64_t offset, std::size_t count) override {
    // A record that OpenSSL has begun must be repeated with the same bytes: pread gives them again.
    std::array<char, 16384> chunk;
    const ssize_t read =
        pread(file, chunk.data(), std::min(count, chunk.size()), static_cast<off_t>(offset));
    if (read <= 0) return {Io::State::failed};
    return write({chunk.data(), static_cast<std::size_t>(read)});
  }

  void finish() override {
    // The other side's close_notify is not awaited: it may never come.
    if (failure_.empty()) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    shutdown(socket(), SHUT_WR);
  }

  std::optional<Certificate> peer_certificate() const override {
    X509* peer = SSL_get1_peer_certificate(ssl_.get());
    if (peer == nullptr) return std::nullopt;
    Certificate certificate = Certificate::from_native(peer);
    X509_free(peer);
    return certificate;
  }

  std::string failure() const override { return failure_; }

 private:
  static void count_key_update(int is_written, int /*version*/, int type, const void* bytes,
                               std::size_t length, SSL* /*ssl*/, void* count) {
    if (is_written == 0 && type == SSL3_RT_HANDSHAKE && length > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE)
      ++*static_cast<int*>(count);
  }

  Io from(int result, std::size_t count) {
    if (result == 1) return {Io::State::done, count};
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {Io::State::wait_readable};
      case SSL_ERROR_WANT_WRITE:
        return {Io::State::wait_writable};
      case SSL_ERROR_ZERO_RETURN:
      case SSL_ERROR_SYSCALL:
        return {Io::State::closed};
      default:
        break;
    }
    const unsigned long code = ERR_peek_last_error();
    const char* reason = ERR_reason_error_string(code);
    failure_ = reason == nullptr ? "TLS failure" : reason;
    ERR_clear_error();
    return {ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? Io::State::closed
                                                                       : Io::State::failed};
  }

  std::unique_ptr<SSL, SslFree> ssl_;
  int key_updates_ = 0;
  std::string failure_;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(FileDescriptor connection,
                                              const SslContext& context) {
  std::unique_ptr<SSL, SslFree> ssl(SSL_new(context.get()));
  if (!ssl || SSL_set_fd(ssl.get(), connection.get()) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  // RELEASE_BUFFERS: an idle connection keeps no 32 KiB of buffers. MOVING_WRITE_BUFFER: a write is
  // repeated from the same bytes, maybe at another address.
  SSL_set_mode(ssl.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
  // A read ends behind each record, whatever it was.
  SSL_clear_mode(ssl.get(), SSL_MODE_AUTO_RETRY);
  // One system call for a record, not one for its head and one for the rest.
  SSL_set_read_ahead(ssl.get(), 1);
  return std::make_unique<TlsTransport>(std::move(connection), std::move(ssl));
}

}  // namespace muster
