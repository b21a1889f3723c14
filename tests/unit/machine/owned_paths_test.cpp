#include <doctest/doctest.h>

#include <filesystem>

#include "fakes/example_document.hpp"
#include "machine/desired_state_of.hpp"
#include "machine/owned_paths.hpp"

using namespace muster;

namespace {
// Below folders that Muster has to itself, or a file that it names.
bool is_owned(const std::string& path) {
  return !owner_of_path(path, true).empty();
}
}  // namespace

TEST_CASE("every file that a machine's setup makes is owned") {
  NodeDocument document = example_document(Role::master);
  document.config.files.clear();
  document.role.pool = "ci";
  document.config.containerd.registry_mirrors = {{"quay.io", {"https://mirror.example"}}};
  const auto state = desired_state_of(document, example_peers(), example_facts(),
                                      {"new", "m1=https://10.77.0.11:2380"});
  REQUIRE_MESSAGE(state, state.error().message);
  CHECK(state->files.size() > 30);
  for (const DesiredFile& file : state->files) CHECK_MESSAGE(is_owned(file.path), file.path);
}

TEST_CASE("every unit of Muster is owned, with its drop-ins, wherever they lie") {
  std::size_t units = 0;
  const std::string folder = std::string(MUSTER_TESTS_DIR) + "/../units";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename(), end = entry.path().extension();
    if (end != ".service" && end != ".timer" && end != ".target") continue;
    ++units;
    CHECK_MESSAGE(is_owned("/etc/systemd/system/" + name), name);
    CHECK_MESSAGE(is_owned("/lib/systemd/system/" + name + ".d/x.conf"), name);
    CHECK_MESSAGE(is_owned("/var/run/systemd/system/" + name + ".wants/x.service"), name);
  }
  CHECK(units >= 20);
  CHECK(is_owned("/etc/systemd/system/service.d/x.conf"));
}

TEST_CASE("what is another's is the operator's") {
  for (const char* path :
       {"/etc/motd", "/etc/hostname.d", "/etc/containerd/certs.d/quay.io/ca.crt",
        "/etc/sysctl.d/91-mine.conf", "/etc/modules-load.d/mine.conf", "/etc/hosts.allow",
        "/etc/systemd/system/ssh.service.d/x.conf", "/etc/systemd/system/mine.service",
        "/etc/systemd/system.conf.d/proxy.conf", "/etc/kubernetes.txt",
        "/etc/systemd/networkd.conf.d/mine.conf", "/etc/systemd/network/10-x.network"})
    CHECK_MESSAGE(!is_owned(path), path);
  CHECK(owner_of_path("/etc/cni/net.d/99-mine.conflist", false).empty());
  CHECK(!owner_of_path("/etc/cni/net.d/99-mine.conflist", true).empty());
  CHECK(!owner_of_path("/etc/cni/net.d/10-muster.conflist", false).empty());
  CHECK(blocked_path("/etc/containerd") == "/etc/containerd/config.toml");
  CHECK(blocked_path("/etc/hostname/x") == "/etc/hostname");
  CHECK(blocked_path("/etc/motd").empty());
}
