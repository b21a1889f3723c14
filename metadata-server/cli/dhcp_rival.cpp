#include "cli/dhcp_rival.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "document/ipv4.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t ip_size = 20, udp_size = 8, fixed_size = 236;
constexpr int server_port = 67, client_port = 68, udp = 17;
constexpr std::string_view magic("\x63\x82\x53\x63", 4);
constexpr std::size_t option_type = 53, option_server = 54, option_pad = 0, option_end = 255;

void add(std::string& to, std::uint32_t value, std::size_t bytes) {
  for (std::size_t left = bytes; left > 0; --left)
    to.push_back(static_cast<char>(value >> (8 * (left - 1)) & 0xFFU));
}

std::uint32_t number(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (const char letter : text.substr(at, bytes))
    value = value << 8U | static_cast<std::uint8_t>(letter);
  return value;
}

std::uint32_t checksum(std::string_view header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < header.size(); at += 2) sum += number(header, at, 2);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  return ~sum & 0xFFFFU;
}

// The value of an option; none where there is none, or the list is broken before it.
std::optional<std::string_view> option(std::string_view options, std::size_t wanted) {
  std::size_t at = 0;
  while (at < options.size()) {
    const std::size_t code = number(options, at, 1);
    if (code == option_end) return std::nullopt;
    if (code == option_pad) {
      ++at;
      continue;
    }
    if (at + 2 > options.size()) return std::nullopt;
    const std::size_t size = number(options, at + 1, 1);
    if (at + 2 + size > options.size()) return std::nullopt;
    if (code == wanted) return options.substr(at + 2, size);
    at += 2 + size;
  }
  return std::nullopt;
}

struct Ear {
  std::string interface;
  FileDescriptor socket;
  sockaddr_ll everybody{};
  MacBytes mac{};
  std::uint32_t transaction = 0;
};

Error cannot(const std::string& interface, const char* what) {
  return {ErrorKind::io,
          fmt::format("interface {}: whether another DHCP server is there cannot be asked: {}: {}",
                      interface, what, std::strerror(errno))};
}

Result<Ear> open_ear(const std::string& interface) {
  Ear ear;
  ear.interface = interface;
  ear.socket = FileDescriptor(
      ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETHERTYPE_IP)));
  if (!ear.socket.is_open()) return pass(cannot(interface, "socket"));
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  if (::ioctl(ear.socket.get(), SIOCGIFHWADDR, &request) != 0)
    return pass(cannot(interface, "its address"));
  std::memcpy(ear.mac.data(), request.ifr_hwaddr.sa_data, ear.mac.size());
  ear.everybody.sll_family = AF_PACKET;
  ear.everybody.sll_protocol = htons(ETHERTYPE_IP);
  ear.everybody.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  ear.everybody.sll_halen = static_cast<unsigned char>(ear.mac.size());
  std::fill_n(ear.everybody.sll_addr, ear.mac.size(), static_cast<unsigned char>(0xFF));
  const auto* address = reinterpret_cast<const sockaddr*>(&ear.everybody);
  if (::bind(ear.socket.get(), address, sizeof ear.everybody) != 0)
    return pass(cannot(interface, "bind"));
  ear.transaction = std::random_device()();
  return ear;
}

Result<void> ask(const Ear& ear) {
  const std::string packet = dhcp_discover(ear.mac, ear.transaction);
  const auto* address = reinterpret_cast<const sockaddr*>(&ear.everybody);
  if (::sendto(ear.socket.get(), packet.data(), packet.size(), 0, address, sizeof ear.everybody) <
      0)
    return pass(cannot(ear.interface, "send"));
  return {};
}

std::optional<DhcpOffer> hear(const Ear& ear) {
  std::array<char, 2048> packet{};
  for (;;) {
    const ssize_t size = ::recv(ear.socket.get(), packet.data(), packet.size(), 0);
    if (size <= 0) return std::nullopt;
    auto offer = read_dhcp_offer({packet.data(), static_cast<std::size_t>(size)}, ear.transaction);
    if (offer) return offer;
  }
}

std::optional<RivalServer> hear_any(const std::vector<Ear>& ears, Clock::time_point until) {
  std::vector<pollfd> waits;
  waits.reserve(ears.size());
  for (const auto& ear : ears) waits.push_back({ear.socket.get(), POLLIN, 0});
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    ::poll(waits.data(), waits.size(), static_cast<int>(left.count()));
    for (const auto& ear : ears) {
      if (auto offer = hear(ear)) return RivalServer{ear.interface, std::move(*offer)};
    }
  }
}

}  // namespace

std::string dhcp_discover(const MacBytes& mac, std::uint32_t transaction) {
  std::string message;
  add(message, 0x01010600, 4);
  add(message, transaction, 4);
  add(message, 0x00008000, 4);  // the answer to everybody: this machine keeps its own address
  message.append(16, '\0');
  message.append(mac.begin(), mac.end());
  message.append(fixed_size - message.size(), '\0');
  message.append(magic);
  message.append("\x35\x01\x01\x37\x02\x01\x03\xff", 8);  // DISCOVER; asked for: mask, router
  message.append(64, '\0');                               // some servers drop what is short

  std::string packet;
  add(packet, 0x45000000U + static_cast<std::uint32_t>(ip_size + udp_size + message.size()), 4);
  add(packet, 0, 4);
  add(packet, 0x40000000U + (static_cast<std::uint32_t>(udp) << 16U), 4);
  add(packet, 0, 4);
  add(packet, 0xFFFFFFFF, 4);
  const std::uint32_t sum = checksum(packet);
  packet[10] = static_cast<char>(sum >> 8U);
  packet[11] = static_cast<char>(sum & 0xFFU);
  add(packet, client_port, 2);
  add(packet, server_port, 2);
  add(packet, static_cast<std::uint32_t>(udp_size + message.size()), 2);
  add(packet, 0, 2);  // no checksum, as IPv4 permits
  return packet + message;
}

std::optional<DhcpOffer> read_dhcp_offer(std::string_view packet, std::uint32_t transaction) {
  if (packet.size() < ip_size || number(packet, 9, 1) != udp) return std::nullopt;
  const std::size_t head = std::size_t{number(packet, 0, 1) & 0xFU} * 4;
  if (head < ip_size || packet.size() < head + udp_size + fixed_size + magic.size() ||
      number(packet, head + 2, 2) != client_port)
    return std::nullopt;
  const std::string sender = ipv4_text(number(packet, 12, 4));
  packet.remove_prefix(head + udp_size);
  if (number(packet, 0, 1) != 2 || number(packet, 4, 4) != transaction ||
      packet.substr(fixed_size, magic.size()) != magic)
    return std::nullopt;
  const std::string_view options = packet.substr(fixed_size + magic.size());
  const auto type = option(options, option_type);
  // A server for booting alone, such as a proxy, offers no address.
  if (!type || *type != "\x02" || number(packet, 16, 4) == 0) return std::nullopt;
  const auto server = option(options, option_server);
  return DhcpOffer{server && server->size() == 4 ? ipv4_text(number(*server, 0, 4)) : sender,
                   ipv4_text(number(packet, 16, 4))};
}

std::vector<std::string> interfaces_alone(std::string_view configuration) {
  std::vector<std::string> interfaces;
  bool is_alone = false;
  while (!configuration.empty()) {
    const std::string_view line = configuration.substr(0, configuration.find('\n'));
    configuration.remove_prefix(std::min(line.size() + 1, configuration.size()));
    constexpr std::string_view key = "interface=";
    if (line == "dhcp-authoritative") is_alone = true;
    if (line.substr(0, key.size()) == key) interfaces.emplace_back(line.substr(key.size()));
  }
  if (!is_alone) interfaces.clear();
  return interfaces;
}

Result<std::optional<RivalServer>> find_dhcp_rival(const std::vector<std::string>& interfaces,
                                                   std::chrono::milliseconds limit) {
  std::vector<Ear> ears;
  for (const auto& interface : interfaces) {
    auto ear = open_ear(interface);
    if (!ear) return pass(ear.error());
    ears.push_back(std::move(*ear));
  }
  // Twice: the first frame of a link that has just come up is lost at many a switch.
  const auto began = Clock::now();
  for (const auto until : {began + limit / 2, began + limit}) {
    for (const auto& ear : ears) {
      if (auto asked = ask(ear); !asked) return pass(asked.error());
    }
    if (auto rival = hear_any(ears, until)) return rival;
  }
  return std::nullopt;
}

}  // namespace muster
