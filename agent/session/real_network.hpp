// Network over the client room. systemd hears of the agent before every call, none of which lasts
// longer than 20 s, and every 5 s of a download (the unit has WatchdogSec=60; host/notify.hpp). A
// download ends with `timeout` once no byte came for 15 s, 3 s of them for the connection, or less
// than 1 MiB in 60 s; the signs of life end with it. A server that is busy is left alone as long as
// it asks for (server_pauses.hpp), by all its addresses and listeners: of whom nobody vouches, by
// the one address that answered. Outlives the servers that it connects.
#pragma once

#include "agent/server.hpp"
#include "agent/session/server_pauses.hpp"

namespace muster {

class RealNetwork final : public Network {
 public:
  [[nodiscard]] std::vector<NetworkInterface> interfaces(const Filesystem& files) override;
  [[nodiscard]] std::unique_ptr<Server> connect(const std::vector<std::string>& urls,
                                                const TlsClientSettings& tls) override;
  [[nodiscard]] Result<int> download(const std::string& url, const Download& wanted) override;
  [[nodiscard]] Result<HttpAnswer> ask(const std::string& url, const HttpRequest& request,
                                       std::size_t largest_body,
                                       std::chrono::milliseconds time) override;
  [[nodiscard]] Result<ApiAnswer> get(const std::string& url, const std::string& path,
                                      const TlsClientSettings& tls) override;

 private:
  ServerPauses pauses_;
};

}  // namespace muster
