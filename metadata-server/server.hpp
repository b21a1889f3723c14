// Every room of a running server, in the order in which each needs the one before, and its
// listeners.
#pragma once

#include <memory>
#include <string>

#include "result/result.hpp"
#include "settings.hpp"

namespace muster {

class Server {
 public:
  // Loads everything and listens. not_found: no site yet, run `muster-server init`.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(Settings settings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // About once a second, by one thread: that the listeners' threads come round and the store
  // answers. What background tasks do or fail to do is not asked. An error: the server goes on, and
  // may be well again; whoever feeds a watchdog does not.
  [[nodiscard]] Result<void> check_alive();
  // Lets requests in progress finish for `grace`. Idempotent.
  void stop(std::chrono::milliseconds grace);
  // "boot 0.0.0.0:8080, enrol ..., 3 clusters": for people.
  [[nodiscard]] std::string describe() const;

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace muster
