#include "agent/host/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <map>

namespace muster {
namespace {

std::string address_text(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = nullptr;
  if (address->sa_family == AF_INET) {
    raw = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    raw = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  }
  if (raw == nullptr || inet_ntop(address->sa_family, raw, text.data(), text.size()) == nullptr) {
    return {};
  }
  return text.data();
}

std::string mac_of(const Filesystem& files, const std::string& name) {
  auto mac = files.read("/sys/class/net/" + name + "/address", 64);
  if (!mac) return {};
  while (!mac->empty() && mac->back() == '\n') mac->pop_back();
  return *mac;
}

}  // namespace

std::vector<NetworkInterface> list_interfaces(const Filesystem& files) {
  std::map<std::string, NetworkInterface> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if ((entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
    NetworkInterface& interface = found[entry->ifa_name];
    if (entry->ifa_addr == nullptr) continue;
    if (auto text = address_text(entry->ifa_addr); !text.empty()) {
      interface.addresses.push_back(text);
    }
  }
  freeifaddrs(list);
  std::vector<NetworkInterface> interfaces;
  for (auto& [name, interface] : found) {
    interface.name = name;
    interface.mac = mac_of(files, name);
    interfaces.push_back(interface);
  }
  return interfaces;
}

}  // namespace muster
