#include "cli/dnsmasq_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "document/problem.hpp"

namespace muster {

namespace {

// How firmware calls itself (RFC 4578, IANA "Processor Architecture Types"), and what it loads.
struct Firmware {
  int architecture;
  std::string_view tag, program;
};
constexpr Firmware firmware[] = {{0, "bios", "undionly.kpxe"},
                                 {7, "efi64", "snponly.efi"},
                                 {9, "efi64", "snponly.efi"},
                                 {11, "arm64", "ipxe-arm64.efi"}};
constexpr int http_boot_x64 = 16, http_boot_arm64 = 19;

// dnsmasq ends a value at a comma or a line's end, and begins a comment at '#'.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return letter > ' ' && letter <= '~' &&
           std::string_view(",#\"\\").find(letter) == std::string_view::npos;
  });
}

struct Network {
  std::string first, mask;
  bool operator<(const Network& other) const { return first < other.first; }
};

std::string mask_of(const Cidr& network) {
  const std::uint32_t all = 0xFFFFFFFF;
  return ipv4_text(network.prefix == 0 ? 0 : all << (32U - network.prefix));
}

Cidr network_of(const Cluster& cluster, const std::string& address) {
  const std::uint32_t value = ipv4_value(address).value_or(0);
  const auto written = cluster.node_cidr ? parse_cidr(cluster.node_cidr->value) : std::nullopt;
  return written && written->contains(value) ? *written : cidr_around(value, 24);
}

// Of a machine, or of its BMC.
struct Lease {
  const Node* node;
  std::string mac, address;
};

class Writer {
 public:
  Writer(const Inventory& inventory, const DhcpSettings& settings)
      : inventory_(inventory), settings_(settings) {}

  Result<std::string> write() {
    check();
    find_machines();
    if (!problems_.empty()) return fail("dhcp config", problems_);
    line(
        "# Made of the inventory by `muster dhcp config`; what is changed here is gone with the next one.");
    write_where();
    if (settings_.mode == DhcpMode::proxy)
      write_proxy();
    else
      write_full();
    line("dhcp-boot=tag:ipxe,{}/boot.ipxe", settings_.server);
    return std::move(text_);
  }

 private:
  template <class... Values>
  void line(fmt::format_string<Values...> form, Values&&... values) {
    text_ += fmt::format(form, std::forward<Values>(values)...);
    text_ += '\n';
  }
  void expect(bool holds, const char* option, std::string_view what, const std::string& found) {
    if (!holds)
      problems_.push_back({option, fmt::format("expected {}, found {}", what, in_ticks(found))});
  }

  void check() {
    expect(!settings_.interfaces.empty(), "--interface", "the interface of the segment", "none");
    for (const auto& name : settings_.interfaces)
      expect(is_plain(name) && name != "lo", "--interface", "a network interface's name", name);
    const std::string& server = settings_.server;
    expect(is_http_url(server) && server.starts_with("http://") && is_plain(server),
           "--boot-server", "the boot listener as machines reach it, http://ADDRESS:8080", server);
    // Neither iPXE nor UEFI's HTTP boot is told a name server that knows it.
    const std::string host = server.substr(std::min(server.size(), std::size_t{7}));
    expect(is_ipv4(host.substr(0, host.find(':'))), "--boot-server",
           "an IPv4 address, since firmware resolves no names", server);
    expect(is_plain(settings_.tftp_folder) && settings_.tftp_folder.front() == '/', "--tftp",
           "an absolute path", settings_.tftp_folder);
    if (settings_.mode == DhcpMode::full) return check_full();
    const char* cure = "it with --mode full alone, since another server answers the rest";
    expect(settings_.range.empty(), "--range", cure, settings_.range);
    expect(settings_.router_advertisement.empty(), "--router-advertisement", cure,
           settings_.router_advertisement);
    expect(settings_.http_boot.empty(), "--http-boot", cure, settings_.http_boot);
  }

  void check_full() {
    const std::string& range = settings_.range;
    const std::size_t comma = range.find(',');
    expect(range.empty() || (comma != std::string::npos && is_ipv4(range.substr(0, comma)) &&
                             is_ipv4(range.substr(comma + 1))),
           "--range", "FIRST,LAST", range);
    const std::string& prefix = settings_.router_advertisement;
    expect(prefix.empty() || (is_ip(prefix) && prefix.ends_with("::")), "--router-advertisement",
           "an IPv6 prefix such as fd00:77::", prefix);
    const std::string& url = settings_.http_boot;
    expect(url.empty() || (is_http_url(url) && is_plain(url) && url.ends_with(".efi")),
           "--http-boot", "a URL that ends in .efi, by which firmware knows a program", url);
  }

  void find_machines() {
    bool boots = false;
    for (const Node& node : inventory_.nodes) {
      if (!node.match.macs.empty()) add(node, node.match.macs.front().value, node.address.value);
      if (node.bmc) add(node, node.bmc->mac.value, node.bmc->address.value);
      boots = boots || !node.match.macs.empty();
    }
    if (!boots)
      problems_.push_back(
          {"DIR",
           "expected a node with spec.match.mac, by which a machine is known before it has an address, found none"});
  }

  void add(const Node& node, const std::string& mac, const std::string& address) {
    const Cidr network = network_of(inventory_.clusters.at(node.cluster.value), address);
    networks_.insert({ipv4_text(network.network), mask_of(network)});
    leases_.push_back({&node, mac, address});
  }

  void write_where() {
    for (const auto& name : settings_.interfaces) line("interface={}", name);
    line("except-interface=lo");
    line("bind-interfaces");
    line("port=0");  // no DNS
    line("no-ping");
    line("log-dhcp");
    line("dhcp-leasefile={}", settings_.lease_file);
    line("enable-tftp");
    line("tftp-root={}", settings_.tftp_folder);
    line("dhcp-userclass=set:ipxe,iPXE");
  }

  // UEFI asks port 4011 for its file, and gets it where exactly one service is of its kind.
  void write_proxy() {
    for (const Network& network : networks_)
      line("dhcp-range={},proxy,{}", network.first, network.mask);
    for (const Firmware& one : firmware)
      line("pxe-service=tag:!ipxe,{},muster,{}", one.architecture, one.program);
  }

  void write_full() {
    line("dhcp-authoritative");
    // Firmware, iPXE and the system call themselves differently: one machine, one address.
    line("dhcp-ignore-clid");
    for (const Network& network : networks_)
      line("dhcp-range={},static,{},1h", network.first, network.mask);
    if (!settings_.range.empty()) line("dhcp-range={},10m", settings_.range);
    for (const auto& [node, mac, address] : leases_)
      line("dhcp-host={},set:{},{}{}", mac, tag_of(node->cluster.value), address,
           address == node->address.value ? "," + node->name.value : "");
    write_routes();
    for (const Firmware& one : firmware)
      line("dhcp-match=set:{},option:client-arch,{}", one.tag, one.architecture);
    for (const std::string_view tag : {"bios", "efi64", "arm64"}) {
      const auto* one = std::find_if(std::begin(firmware), std::end(firmware),
                                     [&](const Firmware& each) { return each.tag == tag; });
      line("dhcp-boot=tag:{},tag:!ipxe,{}", tag, one->program);
    }
    if (!settings_.http_boot.empty()) write_http_boot();
    if (settings_.router_advertisement.empty()) return;
    line("enable-ra");
    line("dhcp-range={},ra-only,64,1h", settings_.router_advertisement);
  }

  // Without a word of ours dnsmasq names itself as router and name server.
  void write_routes() {
    for (const auto& [name, cluster] : inventory_.clusters) {
      const std::string tag = tag_of(name);
      line("dhcp-option=tag:{},option:router{}{}", tag, cluster.node_gateway ? "," : "",
           cluster.node_gateway ? cluster.node_gateway->value : std::string());
      std::vector<std::string> servers;
      for (const auto& server : cluster.nameservers) servers.push_back(server.value);
      line("dhcp-option=tag:{},option:dns-server{}{}", tag, servers.empty() ? "" : ",",
           fmt::join(servers, ","));
    }
  }

  void write_http_boot() {
    for (const int architecture : {http_boot_x64, http_boot_arm64})
      line("dhcp-match=set:efihttp,option:client-arch,{}", architecture);
    line("dhcp-option-force=tag:efihttp,tag:!ipxe,60,HTTPClient");
    line("dhcp-boot=tag:efihttp,tag:!ipxe,{}", settings_.http_boot);
  }

  static std::string tag_of(const std::string& cluster) { return "cluster-" + cluster; }

  const Inventory& inventory_;
  const DhcpSettings& settings_;
  std::vector<Problem> problems_;
  std::set<Network> networks_;
  std::vector<Lease> leases_;
  std::string text_;
};

}  // namespace

Result<std::string> dnsmasq_config(const Inventory& inventory, const DhcpSettings& settings) {
  return Writer(inventory, settings).write();
}

}  // namespace muster
