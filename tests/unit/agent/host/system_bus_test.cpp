#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "agent/host/systemd_service_manager.hpp"
#include "fakes/scratch_folder.hpp"

using namespace muster;

namespace {

// A bus that breaks every connection as soon as something is said.
class BrokenBus {
 public:
  explicit BrokenBus(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(socket_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~BrokenBus() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  BrokenBus(const BrokenBus&) = delete;
  BrokenBus& operator=(const BrokenBus&) = delete;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void serve() {
    for (;;) {
      const int peer = ::accept(socket_, nullptr, nullptr);
      if (peer < 0) return;
      ++connections_;
      char byte = 0;
      static_cast<void>(::read(peer, &byte, 1));
      ::close(peer);
    }
  }

  int socket_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a connection to the bus that breaks is opened once more, and no more") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/bus";
  const BrokenBus bus(path);
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
  SystemdServiceManager services;
  CHECK_FALSE(services.statuses({"a.service"}));
  CHECK(bus.connections() == 2);
  CHECK_FALSE(services.start({"a.service"}, std::chrono::seconds(5)));
  CHECK(bus.connections() == 4);
  CHECK_FALSE(services.daemon_reload());
  CHECK(bus.connections() == 6);
  ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}
