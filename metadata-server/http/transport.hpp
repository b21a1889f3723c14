// One accepted, non-blocking socket, plain or TLS. Every call returns at once. Used by the event
// thread that owns the connection only.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pki/certificate.hpp"
#include "pki/tls_settings.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

struct Io {
  enum class State { done, wait_readable, wait_writable, closed, failed } state = State::done;
  std::size_t count = 0;  // bytes moved when done
};

class Transport {
 public:
  explicit Transport(FileDescriptor connection) : socket_(std::move(connection)) {}
  virtual ~Transport() = default;
  [[nodiscard]] virtual Io handshake() = 0;
  [[nodiscard]] virtual Io read(char* data, std::size_t size) = 0;
  // Bytes were taken off the socket that read() has not given yet: epoll does not tell of them.
  [[nodiscard]] virtual bool has_pending() const { return false; }
  [[nodiscard]] virtual Io write(std::string_view bytes) = 0;
  // Some of `count` bytes of `file` from `offset`.
  [[nodiscard]] virtual Io send_file(int file, std::uint64_t offset, std::size_t count) = 0;
  // Says that nothing more will be written.
  virtual void finish() = 0;
  // Reads and forgets bytes of the socket, below TLS.
  [[nodiscard]] Io discard();
  [[nodiscard]] virtual std::optional<Certificate> peer_certificate() const { return std::nullopt; }
  // Why the last call failed, for the debug log; never shown to the other side.
  [[nodiscard]] virtual std::string failure() const { return {}; }
  [[nodiscard]] int socket() const { return socket_.get(); }

 private:
  FileDescriptor socket_;
};

[[nodiscard]] std::unique_ptr<Transport> make_plain_transport(FileDescriptor connection);
// nullptr when OpenSSL has no memory left.
[[nodiscard]] std::unique_ptr<Transport> make_tls_transport(FileDescriptor connection,
                                                            const SslContext& context);

}  // namespace muster
