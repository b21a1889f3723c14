#include <sys/sendfile.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "http/transport.hpp"

namespace muster {
namespace {

Io from(ssize_t result, Io::State wait) {
  if (result > 0) return {Io::State::done, static_cast<std::size_t>(result)};
  if (result == 0) return {Io::State::closed};
  if (errno == EAGAIN || errno == EINTR) return {wait};
  return {errno == ECONNRESET || errno == EPIPE ? Io::State::closed : Io::State::failed};
}

class PlainTransport final : public Transport {
 public:
  using Transport::Transport;
  Io handshake() override { return {}; }
  Io read(char* data, std::size_t size) override {
    return from(recv(socket(), data, size, 0), Io::State::wait_readable);
  }
  Io write(std::string_view bytes) override {
    return from(send(socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL), Io::State::wait_writable);
  }
  Io send_file(int file, std::uint64_t offset, std::size_t count) override {
    auto position = static_cast<off_t>(offset);
    return from(sendfile(socket(), file, &position, count), Io::State::wait_writable);
  }
  void finish() override { shutdown(socket(), SHUT_WR); }
};

}  // namespace

Io Transport::discard() {
  std::array<char, 16384> chunk;
  return from(recv(socket(), chunk.data(), chunk.size(), 0), Io::State::wait_readable);
}

std::unique_ptr<Transport> make_plain_transport(FileDescriptor connection) {
  return std::make_unique<PlainTransport>(std::move(connection));
}

}  // namespace muster
