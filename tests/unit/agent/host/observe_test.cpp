#include "agent/host/observe.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

TEST_CASE("facts come from /proc, /sys and /etc") {
  FakeFilesystem files;
  files.put("/r/proc/sys/kernel/hostname", "m1\n");
  files.put("/r/etc/machine-id", "abc\n");
  files.put("/r/proc/sys/kernel/random/boot_id", "boot\n");
  files.put("/r/sys/class/dmi/id/product_uuid", "UUID\n");
  files.put("/r/sys/devices/system/cpu/online", "0-3,6\n");
  files.put("/r/proc/meminfo", "MemTotal:       1024 kB\nMemFree: 1 kB\n");
  files.put("/r/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n");
  files.put("/r/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n");
  const auto facts = observe(files, {{"eth0", "m", {"1.2.3.4"}}}, "/r");
  CHECK(facts.hostname == "m1");
  CHECK(facts.machine_id == "abc");
  CHECK(facts.boot_id == "boot");
  CHECK(facts.uuid == "UUID");
  CHECK(facts.serial.empty());
  CHECK(facts.cpus == 5);
  CHECK(facts.memory_bytes == 1024 * 1024);
  CHECK(facts.swap_on);
  CHECK(facts.cgroup_version == 2);
  CHECK(facts.missing_cgroup_controllers == std::vector<std::string>{"pids"});
  CHECK(facts.interfaces.size() == 1);
}

TEST_CASE("the legacy cgroup hierarchy is recognised by its controllers") {
  FakeFilesystem files;
  files.put("/proc/cgroups",
            "#subsys_name hierarchy num_cgroups enabled\ncpuset 1 1 1\ncpu 2 1 1\nmemory 3 1 0\n"
            "pids 4 1 1\n");
  const auto facts = observe(files, {});
  CHECK(facts.cgroup_version == 1);
  CHECK(facts.missing_cgroup_controllers == std::vector<std::string>{"memory"});
}

TEST_CASE("a module may be loaded, built in or on disk; in a container nobody can tell") {
  FakeFilesystem files;
  files.put("/proc/sys/kernel/osrelease", "6.1\n");
  CHECK(missing_modules(files, {"overlay"}).empty());
  files.put("/lib/modules/6.1/modules.builtin", "kernel/fs/overlayfs/overlay.ko\n");
  files.put("/lib/modules/6.1/modules.dep", "kernel/net/br_netfilter.ko.xz: kernel/x.ko\n");
  files.put("/sys/module/nf_conntrack/refcnt", "1");
  CHECK(missing_modules(files, {"overlay", "br-netfilter", "nf_conntrack", "zfs"}) ==
        std::vector<std::string>{"zfs"});
}

TEST_CASE("a listening port names its holder where it may be looked into") {
  FakeFilesystem files;
  const std::string head = "sl local_address rem_address st tx rx tr tm retr uid timeout inode\n";
  files.put("/proc/net/tcp", head +
                                 " 0: 0100007F:094B 00000000:0000 0A 0:0 0:0 0 0 0 777 1\n"
                                 " 1: 0100007F:1A2B 00000000:0000 01 0:0 0:0 0 0 0 778 1\n");
  files.put("/proc/net/tcp6", head + " 0: 0:192B 0:0 0A 0:0 0:0 0 0 0 779 1\n");
  files.put("/proc/42/comm", "etcd\n");
  files.put("/proc/42/fd/x", "");
  REQUIRE(files.link("/proc/42/fd/3", "socket:[777]"));
  const auto holders = listeners_on(files, {2379, 6443, 6699});
  CHECK(holders == std::map<std::uint16_t, std::string>{{2379, "'etcd' (process 42)"},
                                                        {6443, "another process"}});
}

TEST_CASE("a service hears its boot id from systemd") {
  FakeFilesystem files;
  files.put("/proc/sys/kernel/random/boot_id", "the-outer-machine's\n");
  ::setenv("MUSTER_BOOT_ID", "0123456789abcdef0123456789abcdef", 1);
  CHECK(observe(files, {}).boot_id == "01234567-89ab-cdef-0123-456789abcdef");
  ::unsetenv("MUSTER_BOOT_ID");
  CHECK(observe(files, {}).boot_id == "the-outer-machine's");
}
