// The kernel's routes over NETLINK_ROUTE (rtnetlink(7), linux/rtnetlink.h). Each question has a
// socket of its own and waits 2 s at most. Thread-safe.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

class NetlinkRoutes final : public Routes {
 public:
  [[nodiscard]] Result<std::map<std::string, std::string>> ours() const override;
  [[nodiscard]] Result<bool> is_on_link(const std::string& address) const override;
  [[nodiscard]] Result<std::map<std::string, std::string>> gateways(
      const std::vector<std::string>& addresses) const override;
  [[nodiscard]] Result<LinkRoutes> of_kernel(const std::string& link) const override;
  [[nodiscard]] Result<bool> leaves_by(const std::string& link,
                                       const std::string& address) const override;
};

}  // namespace muster
