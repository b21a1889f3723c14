#include "http/listening_socket.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace muster {
namespace {

constexpr int backlog = 1024;
constexpr int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

Result<FileDescriptor> listen_on(FileDescriptor socket, const std::string& address) {
  if (listen(socket.get(), backlog) != 0)
    return fail_errno(errno, fmt::format("listening on {}", address));
  return socket;
}

Result<struct sockaddr_un> unix_address(const std::string& path) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::invalid,
                fmt::format("socket path '{}': expected at most {} bytes, found {}", path,
                            sizeof address.sun_path - 1, path.size()));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool somebody_listens(const struct sockaddr_un& address) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) ==
         0;
}

// Where there is no such group, the socket stays root's and the server's own.
Result<void> give_to_group(const std::string& path, const std::string& name) {
  const struct group* found = name.empty() ? nullptr : getgrnam(name.c_str());
  if (found == nullptr) return {};
  struct stat made {};
  if (stat(path.c_str(), &made) != 0) return fail_errno(errno, fmt::format("socket '{}'", path));
  // As a service the socket has that group from the start, and chown is not among its system calls.
  if (made.st_gid != found->gr_gid &&
      chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) {
    return fail_errno(
        errno,
        fmt::format(
            "giving socket '{}' to the admin group '{}', which must be a group of the server's own user",
            path, name));
  }
  if (chmod(path.c_str(), 0660) != 0)
    return fail_errno(errno, fmt::format("mode of socket '{}'", path));
  return {};
}

Result<FileDescriptor> open_unix(const std::string& path, const std::string& group) {
  const auto address = unix_address(path);
  if (!address) return pass(address.error());
  if (somebody_listens(*address)) {
    return fail(
        ErrorKind::conflict,
        fmt::format("socket '{}': another server listens on it; stop that one first", path));
  }
  unlink(path.c_str());
  FileDescriptor socket(::socket(AF_UNIX, flags, 0));
  // Between bind and chmod nobody but root may connect.
  const mode_t before = umask(0177);
  const int bound =
      bind(socket.get(), reinterpret_cast<const struct sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  umask(before);
  if (bound != 0) return fail_errno(error, fmt::format("binding socket '{}'", path));
  if (auto given = give_to_group(path, group); !given) return pass(given.error());
  return listen_on(std::move(socket), path);
}

struct FreeAddresses {
  void operator()(struct addrinfo* list) const { freeaddrinfo(list); }
};

Result<FileDescriptor> open_tcp(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  struct addrinfo hints {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  struct addrinfo* raw = nullptr;
  const int looked_up = colon == std::string::npos
                            ? EAI_NONAME
                            : getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &raw);
  const std::unique_ptr<struct addrinfo, FreeAddresses> address(raw);
  if (looked_up != 0 || host.empty()) {
    return fail(
        ErrorKind::invalid,
        fmt::format("listen address '{}': expected ADDRESS:PORT or [ADDRESS]:PORT in numbers",
                    text));
  }
  FileDescriptor socket(::socket(address->ai_family, flags, 0));
  if (!socket.is_open()) return fail_errno(errno, fmt::format("opening a socket for {}", text));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket.get(), address->ai_addr, address->ai_addrlen) != 0) {
    return fail_errno(errno, fmt::format("binding {}", text));
  }
  return listen_on(std::move(socket), text);
}

std::string numeric(const struct sockaddr_storage& address, socklen_t length, bool with_port) {
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  if (getnameinfo(reinterpret_cast<const struct sockaddr*>(&address), length, host, sizeof host,
                  port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  // One machine is one source, whichever family the listener speaks.
  const std::string_view plain = host;
  std::string text(plain.starts_with("::ffff:") ? plain.substr(7) : plain);
  if (!with_port) return text;
  return text.find(':') == std::string::npos ? text + ":" + port : "[" + text + "]:" + port;
}

// The kernel's word, not the passwd file's: it holds in a user namespace too (PrivateUsers=).
void note_who_calls(Accepted& accepted) {
  struct ucred peer {};
  socklen_t size = sizeof peer;
  const int number = accepted.socket.get();
  if (getsockopt(number, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  accepted.user = peer.uid;
  accepted.groups.resize(1024);
  size = static_cast<socklen_t>(accepted.groups.size() * sizeof(gid_t));
  const bool listed =
      getsockopt(number, SOL_SOCKET, SO_PEERGROUPS, accepted.groups.data(), &size) == 0;
  accepted.groups.resize(listed ? size / sizeof(gid_t) : 0);
  accepted.groups.push_back(peer.gid);
}

}  // namespace

Result<FileDescriptor> open_listening_socket(const ListenerSettings& settings) {
  if (settings.address.starts_with("unix:"))
    return open_unix(settings.address.substr(5), settings.unix_group);
  return open_tcp(settings.address);
}

std::string bound_address(const FileDescriptor& listening) {
  struct sockaddr_storage address {};
  socklen_t length = sizeof address;
  if (getsockname(listening.get(), reinterpret_cast<struct sockaddr*>(&address), &length) != 0)
    return {};
  if (address.ss_family == AF_UNIX)
    return reinterpret_cast<const struct sockaddr_un*>(&address)->sun_path;
  return numeric(address, length, true);
}

Accepted accept_connection(int listening) {
  struct sockaddr_storage address {};
  socklen_t length = sizeof address;
  Accepted accepted;
  const int number = accept4(listening, reinterpret_cast<struct sockaddr*>(&address), &length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (number < 0) {
    switch (errno) {
      case EAGAIN:
        accepted.state = Accepted::State::none;
        break;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        accepted.state = Accepted::State::exhausted;
        break;
      case EBADF:
      case EINVAL:
      case ENOTSOCK:
      case EOPNOTSUPP:
        accepted.state = Accepted::State::broken;
        break;
      default:  // accept(2): network errors of the new connection are reported here; treat like
                // EAGAIN
        accepted.state = Accepted::State::retry;
        break;
    }
    return accepted;
  }
  accepted.state = Accepted::State::accepted;
  accepted.socket = FileDescriptor(number);
  if (address.ss_family == AF_UNIX) {
    note_who_calls(accepted);
    return accepted;
  }
  accepted.address = numeric(address, length, false);
  const int on = 1;
  setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return accepted;
}

}  // namespace muster
