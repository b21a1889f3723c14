#include "agent/host/netlink_routes.hpp"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

namespace muster {
namespace {

constexpr unsigned char protocol_of_ours = 77;  // units/muster-routes.service
constexpr std::size_t most_routes = 65536;
constexpr timeval patience{2, 0};

struct Request {
  nlmsghdr header{};
  rtmsg route{};
  rtattr attribute{};  // RTA_DST of a question about one address
  in_addr address{};
};

// One message of an answer: its header and the attributes after it, checked for their sizes.
struct Message {
  const rtmsg* route = nullptr;
  std::array<const rtattr*, RTA_MAX + 1> attributes{};

  [[nodiscard]] std::string address(unsigned short kind) const {
    const rtattr* found = attributes[kind];
    std::array<char, INET_ADDRSTRLEN> text{};
    if (found == nullptr || RTA_PAYLOAD(found) != sizeof(in_addr)) return {};
    if (inet_ntop(AF_INET, RTA_DATA(found), text.data(), text.size()) == nullptr) return {};
    return text.data();
  }
  [[nodiscard]] std::uint32_t number(unsigned short kind, std::uint32_t otherwise) const {
    const rtattr* found = attributes[kind];
    std::uint32_t number = otherwise;
    if (found != nullptr && RTA_PAYLOAD(found) == sizeof number) {
      std::memcpy(&number, RTA_DATA(found), sizeof number);
    }
    return number;
  }
  [[nodiscard]] std::uint32_t table() const { return number(RTA_TABLE, route->rtm_table); }
  [[nodiscard]] unsigned link() const { return number(RTA_OIF, 0); }
  [[nodiscard]] std::string network() const {
    return fmt::format("{}/{}", route->rtm_dst_len == 0 ? "0.0.0.0" : address(RTA_DST),
                       route->rtm_dst_len);
  }
  [[nodiscard]] bool is_direct() const {
    return route->rtm_type == RTN_UNICAST && address(RTA_GATEWAY).empty() &&
           attributes[RTA_VIA] == nullptr;
  }
};

template <class T>
const T* payload(const nlmsghdr* header) {
  return reinterpret_cast<const T*>(reinterpret_cast<const char*>(header) + NLMSG_HDRLEN);
}

std::optional<Message> parse(const nlmsghdr* header) {
  if (header->nlmsg_type != RTM_NEWROUTE || header->nlmsg_len < NLMSG_LENGTH(sizeof(rtmsg))) {
    return std::nullopt;
  }
  Message message;
  message.route = payload<rtmsg>(header);
  auto left = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof(rtmsg)));
  for (const rtattr* at = RTM_RTA(message.route); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    if (at->rta_type <= RTA_MAX) message.attributes[at->rta_type] = at;
  }
  return message;
}

class Socket {
 public:
  Socket() : descriptor_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    const int on = 1;
    if (descriptor_ < 0) return;
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    // The kernel leaves out what was not asked for; one before 4.20 tells everything.
    setsockopt(descriptor_, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // Gives each message of the answer to `take`; the error that the kernel answered, 0 for none.
  template <class Take>
  Result<int> ask(const Request& request, Take take) {
    if (descriptor_ < 0 || send(descriptor_, &request, request.header.nlmsg_len, 0) < 0) {
      return fail_errno(errno, "asking the kernel for its routes");
    }
    const bool is_dump = (request.header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    for (;;) {
      const auto got = recv(descriptor_, buffer_.data(), buffer_.size(), 0);
      if (got < 0) return fail_errno(errno, "reading the kernel's routes");
      auto left = static_cast<unsigned>(got);
      for (auto* at = reinterpret_cast<const nlmsghdr*>(buffer_.data()); NLMSG_OK(at, left);
           at = NLMSG_NEXT(at, left)) {
        if (at->nlmsg_type == NLMSG_DONE) return 0;
        if (at->nlmsg_type == NLMSG_ERROR) return -error_of(at);
        // Changed while it was told.
        if ((at->nlmsg_flags & NLM_F_DUMP_INTR) != 0) return EAGAIN;
        if (const auto message = parse(at)) take(*message);
        if (!is_dump) return 0;
      }
    }
  }

 private:
  static int error_of(const nlmsghdr* header) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return -EIO;
    return payload<nlmsgerr>(header)->error;
  }

  int descriptor_;
  alignas(nlmsghdr) std::array<char, 32768> buffer_{};
};

Request request_of(unsigned short flags) {
  Request request;
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(rtmsg));
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | flags);
  request.route.rtm_family = AF_INET;
  return request;
}

std::optional<Request> question_about(const std::string& address) {
  Request request = request_of(0);
  if (inet_pton(AF_INET, address.c_str(), &request.address) != 1) return std::nullopt;
  request.route.rtm_dst_len = 32;
  request.attribute.rta_type = RTA_DST;
  request.attribute.rta_len = RTA_LENGTH(sizeof(in_addr));
  request.header.nlmsg_len = sizeof request;
  return request;
}

// All that `take(found, message)` makes of the kernel's routes, seen at once.
template <class Found, class Take>
Result<Found> dump(const Request& request, Take take) {
  for (int tries = 0;; ++tries) {
    Found found;
    Socket socket;
    const auto answered =
        socket.ask(request, [&](const Message& message) { take(found, message); });
    if (!answered) return pass(answered.error());
    if (*answered == 0) return found;
    if (*answered != EAGAIN || tries == 3) {
      return fail_errno(*answered, "reading the kernel's routes");
    }
  }
}

// What `is_so` says of the kernel's answer about one address. An error is an answer too: no route
// leads there.
template <class IsSo>
Result<bool> answer_about(const std::string& address, IsSo is_so) {
  const auto request = question_about(address);
  if (!request) return false;
  bool found = false;
  Socket socket;
  const auto answered =
      socket.ask(*request, [&](const Message& message) { found = is_so(message); });
  if (!answered) return pass(answered.error());
  return *answered == 0 && found;
}

}  // namespace

Result<std::map<std::string, std::string>> NetlinkRoutes::ours() const {
  Request request = request_of(NLM_F_DUMP);
  request.route.rtm_table = RT_TABLE_MAIN;
  request.route.rtm_protocol = protocol_of_ours;
  using Found = std::map<std::string, std::string>;
  return dump<Found>(request, [](Found& routes, const Message& message) {
    const auto& route = *message.route;
    const bool is_ours = route.rtm_family == AF_INET && route.rtm_protocol == protocol_of_ours &&
                         route.rtm_type == RTN_UNICAST && message.table() == RT_TABLE_MAIN &&
                         (route.rtm_flags & RTNH_F_DEAD) == 0;
    if (!is_ours || routes.size() >= most_routes) return;
    routes[message.network()] = message.address(RTA_GATEWAY);
  });
}

Result<LinkRoutes> NetlinkRoutes::of_kernel(const std::string& link) const {
  const unsigned index = if_nametoindex(link.c_str());
  if (index == 0) return LinkRoutes{};
  Request request = request_of(NLM_F_DUMP);
  request.route.rtm_protocol = RTPROT_KERNEL;
  return dump<LinkRoutes>(request, [index](LinkRoutes& routes, const Message& message) {
    const auto& route = *message.route;
    if (route.rtm_family != AF_INET || route.rtm_protocol != RTPROT_KERNEL) return;
    if (message.link() != index || (route.rtm_flags & RTNH_F_DEAD) != 0) return;
    if (route.rtm_type == RTN_LOCAL && message.table() == RT_TABLE_LOCAL)
      routes.addresses.push_back(message.address(RTA_DST));
    if (route.rtm_scope == RT_SCOPE_LINK && message.is_direct() && message.table() == RT_TABLE_MAIN)
      routes.connected[message.network()] = message.address(RTA_PREFSRC);
  });
}

Result<bool> NetlinkRoutes::is_on_link(const std::string& address) const {
  return answer_about(address, [](const Message& message) { return message.is_direct(); });
}

Result<bool> NetlinkRoutes::leaves_by(const std::string& link, const std::string& address) const {
  const unsigned index = if_nametoindex(link.c_str());
  return answer_about(address, [index](const Message& message) {
    return message.is_direct() && message.link() == index;
  });
}

Result<std::map<std::string, std::string>> NetlinkRoutes::gateways(
    const std::vector<std::string>& addresses) const {
  std::map<std::string, std::string> gateways;
  if (addresses.empty()) return gateways;
  Socket socket;
  for (const auto& address : addresses) {
    std::string& gateway = gateways[address];
    const auto request = question_about(address);
    if (!request) continue;
    const auto answered = socket.ask(
        *request, [&](const Message& message) { gateway = message.address(RTA_GATEWAY); });
    if (!answered) return pass(answered.error());
  }
  return gateways;
}

}  // namespace muster
