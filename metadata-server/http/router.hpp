// The routes table as a Service: finds the route, decides who calls, asks the handler, turns
// refusals into answers, logs and counts. Thread-safe.
#pragma once

#include <span>
#include <vector>

#include "http/caller_cache.hpp"
#include "http/metrics.hpp"
#include "http/routes.hpp"
#include "http/service.hpp"

namespace muster {

class Router final : public Service {
 public:
  // All outlive it. `admin_group`: members of this group id are operators on the admin socket.
  Router(const Rooms& rooms, CallerCache& callers, Metrics& metrics,
         std::optional<std::uint32_t> admin_group);

  [[nodiscard]] Admission admit(const RequestHead& head, const Peer& peer,
                                std::string_view request_id) override;
  [[nodiscard]] Response answer(const Request& request) override;
  void note(std::string_view method, std::string_view path, std::size_t route, const Peer& peer,
            int status, std::string_view request_id, std::chrono::microseconds took) override;

 private:
  [[nodiscard]] Result<Caller> find_caller(const Peer& peer);
  [[nodiscard]] Result<Caller> admitted(const Route& route, const Peer& peer);
  // A row of the audit for whoever is refused what is not his.
  void note_refused(const Route& route, const Peer& peer, const std::optional<Caller>& caller,
                    const Error& error) const;
  void admit_large(const Route& route, const RequestHead& head, const Peer& peer,
                   std::string_view request_id, Admission& admission);

  const Rooms& rooms_;
  CallerCache& callers_;
  Metrics& metrics_;
  const std::optional<std::uint32_t> admin_group_;
  const std::span<const Route> routes_;
};

}  // namespace muster
