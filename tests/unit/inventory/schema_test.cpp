#include "inventory/schema.hpp"

#include <regex>

#include "inventory/formats.hpp"
#include "inventory/suggest.hpp"
#include "sample_inventory.hpp"

using namespace muster;

namespace {

std::string room(const std::string& file) {
  return std::string(MUSTER_TESTS_DIR) + "/../metadata-server/inventory/" + file;
}

}  // namespace

TEST_CASE("the committed JSON Schema is what the field table says") {
  if (std::getenv("MUSTER_WRITE_GOLDEN") != nullptr)
    std::ofstream(room("muster.schema.json")) << json_schema();
  CHECK(sample::read_text(room("muster.schema.json")) == json_schema());
}

TEST_CASE("the README holds the field table") {
  const std::string readme = sample::read_text(room("README.md"));
  if (readme.find(field_tables()) == std::string::npos) {
    MESSAGE("put this into metadata-server/inventory/README.md:\n" << field_tables());
    CHECK(false);
  }
}

TEST_CASE("every field says what it is for") {
  for (const Field& field : field_table()) {
    INFO(std::string(field.path));
    CHECK_FALSE(field.description.empty());
    CHECK((field.description.back() == '.' || field.path.ends_with(".kind")));
  }
}

TEST_CASE("what a format accepts, its pattern for editors accepts too") {
  const std::vector<std::string> texts{"",
                                       "a",
                                       "A",
                                       "-",
                                       "0",
                                       "lab",
                                       "rack-a-07",
                                       "-lab",
                                       "lab-",
                                       "cluster.local",
                                       "ci-{index}",
                                       "c{index}",
                                       "0-{index}",
                                       "10.77.0.11",
                                       "10.77.0.256",
                                       "010.0.0.1",
                                       "10.64.0.0/16",
                                       "10.64.0.1/16",
                                       "10.0.0.0/8",
                                       "0.0.0.0/0",
                                       "10.96.0.0/28",
                                       "1.36.3",
                                       "1.36",
                                       "v1.36.3",
                                       "1.36.3-rc.1",
                                       "1.2.3+k0s.0",
                                       "3.6.16",
                                       "0c:c4:7a:80:09:1f",
                                       "0C-C4-7A-80-09-1F",
                                       "0c:c4",
                                       "4c4c4544-0042-3510-8052-b4c04f4e3232",
                                       "S268357X8111111",
                                       "two words",
                                       " S1",
                                       "0x5000c500a1b2c3d4",
                                       "eui.0025385b71b0a1c2",
                                       "0x5000c500a1b2c3d",
                                       "/dev/disk/by-path/pci-0000:01:00.0-nvme-1",
                                       "/dev/disk/by-path/../sda",
                                       "/dev/sda",
                                       "90d",
                                       "30m",
                                       "4m",
                                       "never",
                                       "2m",
                                       "1m",
                                       "0d",
                                       "9999999999d",
                                       "http://10.0.0.1/x",
                                       "https://mirror.example",
                                       "ftp://x",
                                       "http:///x",
                                       "123456789012",
                                       "1234567890123",
                                       "eu-central-1",
                                       "eu-central-",
                                       "ami-5fb8c835",
                                       "ami-5fb8c83",
                                       "registry.k8s.io",
                                       "10.0.0.5:5000",
                                       "registry.k8s.io/pause:3.10.2",
                                       "audit-log-maxage",
                                       "--v",
                                       "A=true,B=false",
                                       "a b",
                                       "a$b",
                                       "a'b",
                                       "racks.example/disks",
                                       "kubernetes.io/hostname",
                                       "topology.kubernetes.io/zone",
                                       "node-role.kubernetes.io/gpu",
                                       "/etc/motd",
                                       "/etc/kubernetes/x",
                                       "/etc/../x",
                                       "etc/motd",
                                       "/etc/kubernetes2",
                                       "addons/a.yaml",
                                       "../a.yaml",
                                       "0644",
                                       "644",
                                       "4755",
                                       "root",
                                       "Root",
                                       "br_netfilter",
                                       "vm.max_map_count",
                                       "a..b",
                                       "memory.available",
                                       "imagefs.inodesFree",
                                       "100Mi",
                                       "10%",
                                       "Mi",
                                       "deployment/kube-system/coredns",
                                       "pod/a/b",
                                       std::string(63, 'a'),
                                       std::string(64, 'a'),
                                       std::string(256, 'a'),
                                       "\n",
                                       "a\nb"};
  for (const Format* format : formats::all()) {
    const std::regex pattern{std::string(format->pattern)};
    int accepted = 0;
    for (const std::string& text : texts) {
      if (!format->accepts(text)) continue;
      ++accepted;
      INFO(std::string(format->expected), " refuses '", text, "'");
      CHECK(std::regex_match(text, pattern));
    }
    INFO(std::string(format->expected));
    CHECK(accepted > 0);
    CHECK(accepted < static_cast<int>(texts.size()));
  }
}

TEST_CASE("formats refuse what looks nearly right") {
  CHECK_FALSE(formats::disk_path.accepts("/dev/sda"));
  CHECK_FALSE(formats::disk_path.accepts("/dev/disk/by-path/../sda"));
  CHECK_FALSE(formats::disk_wwn.accepts("5000c500a1b2c3d4"));
  CHECK_FALSE(formats::disk_wwn.accepts("0x5000c500a1b2c3dg"));
  CHECK_FALSE(formats::disk_serial.accepts(" S1"));
  CHECK_FALSE(formats::host.accepts("10.77.0.256"));
  CHECK_FALSE(formats::ipv4_network.accepts("10.64.0.1/16"));
  CHECK_FALSE(formats::label_key.accepts("node-role.kubernetes.io/gpu"));
  CHECK_FALSE(formats::label_key.accepts("kubernetes.io/hostname"));
  CHECK_FALSE(formats::label_key.accepts("node-restriction.kubernetes.io/x"));
  CHECK_FALSE(formats::file_path.accepts("/etc/kubernetes"));
  CHECK(formats::file_path.accepts("/etc/kubernetes2"));
  CHECK(formats::label_key.accepts("cloud.google.com/gke-accelerator"));
  CHECK(formats::label_key.accepts("notkubernetes.io/x"));
  for (const char* text : {"{index}", "1{index}", "ci-1{index}", "ci-{index}-x", "-{index}",
                           "Ci-{index}", "ci-{Index}", "ci-"})
    CHECK_FALSE(formats::name_pattern.accepts(text));
  CHECK(formats::name_pattern.accepts(std::string(58, 'a') + "{index}"));
  CHECK_FALSE(formats::name_pattern.accepts(std::string(59, 'a') + "{index}"));
}

TEST_CASE("the nearest name is suggested, a far one is not") {
  CHECK(edit_distance("podCird", "podCidr") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(did_you_mean("PODCIDR", {"podCidr", "serviceCidr"}) == "did you mean 'podCidr'?");
  CHECK(did_you_mean("banana", {"podCidr", "serviceCidr"}) == "");
  CHECK(did_you_mean(std::string(1000, 'x'), {"podCidr"}) == "");
}
