#include "machine/kernel.hpp"

#include <doctest/doctest.h>

#include "fakes/example_document.hpp"
#include "machine/files.hpp"

using namespace muster;

TEST_CASE("modules and sysctls: what Kubernetes needs, and the document on top") {
  NodeDocument document = example_document(Role::node);
  document.config.kernel.modules = {"overlay", "nvme_tcp"};
  document.config.kernel.sysctl = {{"kernel.panic", "20"},
                                   {"net.netfilter.nf_conntrack_max", "500000"}};
  DesiredState state;
  add_kernel(document, example_facts(), state);
  REQUIRE(state.files.size() == 2);
  CHECK(state.files[0].path == "/etc/modules-load.d/muster.conf");
  CHECK(state.files[0].content == "overlay\nbr_netfilter\nnf_conntrack\nnvme_tcp\n");
  CHECK(state.kernel_modules.size() == 4);
  CHECK(state.files[1].path == "/etc/sysctl.d/90-muster.conf");
  CHECK(state.files[1].content ==
        "-net.netfilter.nf_conntrack_tcp_timeout_close_wait = 3600\n"
        "-net.netfilter.nf_conntrack_tcp_timeout_established = 86400\n"
        "fs.inotify.max_user_instances = 8192\n"
        "fs.inotify.max_user_watches = 524288\n"
        "kernel.keys.root_maxbytes = 25000000\n"
        "kernel.keys.root_maxkeys = 1000000\n"
        "kernel.panic = 20\n"
        "kernel.panic_on_oops = 1\n"
        "net.bridge.bridge-nf-call-iptables = 1\n"
        "net.ipv4.ip_forward = 1\n"
        "net.netfilter.nf_conntrack_max = 500000\n"
        "vm.overcommit_memory = 1\n"
        "vm.panic_on_oom = 0\n");
  REQUIRE(state.units.size() == 1);
  CHECK(state.units[0].name == "muster-kernel.service");
  CHECK(state.units[0].restart_is_harmless);
}

TEST_CASE("the command line is compared on machines that netboot alone") {
  NodeDocument document = example_document(Role::node);
  document.config.kernel.arguments = {"hugepages=4"};
  DesiredState from_disk, netbooted;
  add_kernel(document, example_facts(), from_disk);
  CHECK(from_disk.kernel_arguments.empty());
  document.config.netboot = ReleaseReference{"image-tower", "20261202.050000", "sha256:0", 1};
  add_kernel(document, example_facts(), netbooted);
  CHECK(netbooted.kernel_arguments ==
        std::vector<std::string>{"hugepages=4", "muster.image=image-tower/20261202.050000"});
}

TEST_CASE("files keep their owner and mode; a path of Muster's own is refused") {
  NodeDocument document = example_document(Role::node);
  document.config.files = {{"/etc/motd", "hello\n", "daemon", "0640"},
                           {"/etc/x", "", "root", "0644"}};
  DesiredState state;
  state.files.push_back({"/etc/x", "ours"});
  CHECK(
      add_files(document, state) ==
      std::vector<std::string>{
          "/config/files/1: expected a path that Muster does not write itself, found '/etc/x'; use the setting it comes from"});
  REQUIRE(state.files.size() == 2);
  CHECK(state.files[1].owner == "daemon");
  CHECK(state.files[1].mode == 0640);
}
