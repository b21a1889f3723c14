#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "cli/dhcp_rival.hpp"
#include "cli/dnsmasq_config.hpp"
#include "cli/session.hpp"
#include "cli/text_file.hpp"

namespace muster {
namespace {

struct DhcpOptions {
  std::string folder, out;
  DhcpSettings settings;
};

Exit write_config(Session& session, const DhcpOptions& options) {
  const auto folder = read_checked(session, options.folder);
  if (!folder) return folder.error();
  const auto text = dnsmasq_config(folder->inventory, options.settings);
  if (!text) return complain(session, text.error());
  if (options.out.empty()) {
    print(*text);
    return Exit::ok;
  }
  // Whoever watches the file restarts a service for it.
  constexpr std::size_t largest = 4u << 20;
  const auto before = read_text_file(options.out, largest);
  const bool is_new = !before || *before != *text;
  if (is_new) {
    if (auto written = write_public_file(options.out, *text); !written)
      return complain(session, written.error());
  }
  print(session.wants_json()
            ? json_text({{"path", options.out}, {"written", is_new}})
            : fmt::format("{}: {}\n", options.out, is_new ? "written" : "already so"));
  return Exit::ok;
}

// Some servers look for a second whether an address is free before they offer it, dnsmasq three.
constexpr std::chrono::milliseconds rival_patience(5000);

Exit check_alone(Session& session, const std::string& path) {
  constexpr std::size_t largest = 4u << 20;
  const auto text = read_text_file(path, largest);
  if (!text) return complain(session, text.error());
  const auto rival = find_dhcp_rival(interfaces_alone(*text), rival_patience);
  if (!rival) return complain(session, rival.error());
  if (!*rival) return Exit::ok;
  const auto& [interface, offer] = **rival;
  return complain(
      session,
      {ErrorKind::conflict,
       fmt::format(
           "interface {}: another DHCP server answers there, {}, which offers {}: expected none where this one gives the addresses (--mode full); switch that one off, or write {} anew with --mode proxy",
           interface, offer.server, offer.address, path)});
}

}  // namespace

void add_dhcp_commands(CommandLine& line) {
  auto* dhcp = line.app.add_subcommand("dhcp", "The segment that machines boot from");
  dhcp->require_subcommand(1);
  auto* config = dhcp->add_subcommand(
      "config", "Writes dnsmasq's configuration for the machines of an inventory");
  auto options = std::make_shared<DhcpOptions>();
  DhcpSettings& settings = options->settings;
  config->add_option("DIR", options->folder, "the inventory's folder")->required();
  config
      ->add_option("--interface", settings.interfaces,
                   "of this machine, on that segment; any number")
      ->required();
  config
      ->add_option("--boot-server", settings.server,
                   "the boot listener as machines reach it, http://ADDRESS:8080")
      ->required();
  const std::map<std::string, DhcpMode> modes{{"proxy", DhcpMode::proxy}, {"full", DhcpMode::full}};
  config
      ->add_option("--mode", settings.mode,
                   "proxy: beside a server that gives addresses; full: this one gives them [proxy]")
      ->transform(CLI::CheckedTransformer(modes));
  config->add_option("--tftp", settings.tftp_folder, "folder of iPXE's programs")
      ->capture_default_str();
  config->add_option("--range", settings.range,
                     "FIRST,LAST of addresses for machines that nobody listed; full");
  config->add_option(
      "--router-advertisement", settings.router_advertisement,
      "an IPv6 prefix such as fd00:77::, of which the interface has an address, which spares iPXE a wait; full");
  config->add_option("--http-boot", settings.http_boot, "URL of iPXE for UEFI's HTTP boot; full");
  config->add_option(
      "--out", options->out,
      "file to write, /etc/muster/dnsmasq.conf for muster-dnsmasq.service [standard output]");
  config->footer(
      "Works without a server. The segment is trusted: whoever is on it can answer in its place.\n"
      "Example: muster dhcp config ./racks --interface eth1 --boot-server http://10.77.0.1:8080 --mode full --out /etc/muster/dnsmasq.conf");
  line.on(config, [options](Session& session) { return write_config(session, *options); });

  auto* alone = dhcp->add_subcommand(
      "alone", "Fails where a configuration gives the addresses, and another DHCP server answers");
  auto path = std::make_shared<std::string>("/etc/muster/dnsmasq.conf");
  alone->add_option("FILE", *path, "as `dhcp config --out` wrote it")->capture_default_str();
  alone->footer(
      "muster-dnsmasq.service asks before each start, and again until it is so. Needs CAP_NET_RAW.\n"
      "Example: muster dhcp alone /etc/muster/dnsmasq.conf");
  line.on(alone, [path](Session& session) { return check_alone(session, *path); });
}

}  // namespace muster
