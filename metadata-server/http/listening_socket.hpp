// Binds and listens; accepts with the errors that matter told apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/listener_settings.hpp"
#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

// Non-blocking, backlog 1024, SO_REUSEADDR but never SO_REUSEPORT: a second server on the same port
// is an error. A unix socket is bound with mode 0660 and the settings' group; a stale file is
// replaced, a live one is a conflict.
[[nodiscard]] Result<FileDescriptor> open_listening_socket(const ListenerSettings& settings);

// "127.0.0.1:40123" as bound (port 0 asks the system for one); a unix socket: its path.
[[nodiscard]] std::string bound_address(const FileDescriptor& listening);

struct Accepted {
  enum class State {
    accepted,
    none,       // nobody waits
    retry,      // this one went away; the next may be fine
    exhausted,  // no descriptor or memory: wait before the next
    broken,     // the listening socket itself is of no use any more
  } state = State::none;
  FileDescriptor socket;
  std::string address;                // numeric, empty on a unix socket
  std::optional<std::uint32_t> user;  // unix socket: SO_PEERCRED
  std::vector<std::uint32_t> groups;  // unix socket: SO_PEERCRED and SO_PEERGROUPS
};
// TCP_NODELAY is set on what it returns.
[[nodiscard]] Accepted accept_connection(int listening);

}  // namespace muster
