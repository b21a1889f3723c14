#include "boot/user_data.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace muster {

namespace {

// cloud-init itself is Python, so that a stock image has it, which cannot be said of curl.
constexpr std::string_view install_script = R"(#!/usr/bin/python3
# Installs muster-agent where the image has none: fetched by digest, verified before it is used.
import hashlib, os, subprocess, sys, time, urllib.request

DIGEST, SERVERS = "@DIGEST@", @SERVERS@
PACKAGE = "/run/muster-agent.deb"

def fetch():
    for attempt in range(60):
        for server in SERVERS:
            url = f"{server}/v1/artifacts/{DIGEST}"
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    data = answer.read(128 << 20)
            except OSError as error:
                print(f"muster: {url}: {error}", file=sys.stderr)
                continue
            found = "sha256:" + hashlib.sha256(data).hexdigest()
            if found == DIGEST:
                return data
            print(f"muster: {url}: expected {DIGEST}, found {found}", file=sys.stderr)
        time.sleep(1)
    sys.exit("muster: no server gave the agent's package")

if not os.path.exists("/usr/bin/muster-agent"):
    data = fetch()
    with open(PACKAGE, "wb") as out:
        out.write(data)
    subprocess.run(["dpkg", "--install", PACKAGE], check=True)
    os.unlink(PACKAGE)
)";

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (end > start) out += "    " + text.substr(start, end - start);
    out += "\n";
    start = end + 1;
  }
  return out;
}

void replace(std::string& text, std::string_view name, const std::string& value) {
  text.replace(text.find(name), name.size(), value);
}

std::string file(const std::string& path, const std::string& mode, const std::string& content) {
  return fmt::format("- path: {}\n  owner: root:root\n  permissions: '{}'\n  content: |\n{}", path,
                     mode, indented(content));
}

}  // namespace

std::string user_data(const SiteContact& site, const std::string& whom, const std::string& token) {
  nlohmann::json settings = {{"sitePin", site.pin}, {"enrolServers", site.enrol_servers}};
  if (!token.empty()) settings["token"] = token;
  std::string text = fmt::format("#cloud-config\n# muster: {}\nwrite_files:\n", whom);
  text += file("/etc/muster/agent.json", "0600", settings.dump(2) + "\n");
  std::string commands = "runcmd:\n";
  if (!site.agent_digest.empty()) {
    std::string script(install_script);
    replace(script, "@DIGEST@", site.agent_digest);
    replace(script, "@SERVERS@", nlohmann::json(site.boot_servers).dump());
    text += file("/run/muster-install", "0700", script);
    commands += "- [/usr/bin/python3, /run/muster-install]\n";
  }
  // Not waited for: cloud-init's end is no part of the machine's start.
  commands += "- [systemctl, enable, muster.target]\n";
  commands += "- [systemctl, start, --no-block, muster.target]\n";
  return text + commands;
}

}  // namespace muster
