#include "agent/sources/user_data_origin.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

using Names = std::map<std::string, std::string>;

// "EC2 user-data at http://..." or "none" or the error.
std::string found(const Names& smbios, const std::string& command_line = "quiet") {
  FakeFilesystem files;
  for (const auto& [field, value] : smbios) files.put("/sys/class/dmi/id/" + field, value + "\n");
  files.put("/proc/cmdline", command_line + "\n");
  const auto origin = find_user_data(files);
  if (!origin) return origin.error().message;
  if (!*origin) return "none";
  return name(**origin) + " at " + (*origin)->base_url + (*origin)->path;
}

const std::string ec2 = "EC2 user-data at http://169.254.169.254:80/latest/user-data";
const std::string gce =
    "GCE user-data at http://169.254.169.254:80/computeMetadata/v1/instance/attributes/user-data";

}  // namespace

TEST_CASE("SMBIOS says which cloud is asked, and that there is none") {
  CHECK(found({}) == "none");
  CHECK(found({{"sys_vendor", "Supermicro"}, {"product_name", "SYS-1029"}}) == "none");
  CHECK(found({{"sys_vendor", "Amazon EC2"}}) == ec2);
  CHECK(found({{"product_uuid", "EC2E1916-9099"}, {"product_serial", "ec2e1916-9099"}}) == ec2);
  // One machine in 4096 has such a UUID by chance.
  CHECK(found({{"product_uuid", "EC2E1916-9099"}, {"product_serial", "S123"}}) == "none");
  CHECK(found({{"product_name", "Google Compute Engine"}}) == gce);
  CHECK(found({{"product_serial", "GoogleCloud-1234"}}) == gce);
  CHECK(found({{"sys_vendor", "DigitalOcean"}}) ==
        "DigitalOcean user-data at http://169.254.169.254:80/metadata/v1/user-data");
}

TEST_CASE("the seed that kernel or SMBIOS names is first, in cloud-init's forms") {
  const auto seed = [](const std::string& word) {
    return found({{"sys_vendor", "Amazon EC2"}}, "quiet " + word + " ro");
  };
  const auto at = [](const std::string& base, const std::string& path) {
    return "NoCloud user-data (" + base + path + ") at " + base + path;
  };
  CHECK(seed("ds=nocloud;s=http://10.0.0.1/seed/") == at("http://10.0.0.1:80", "/seed/user-data"));
  CHECK(seed("ds=nocloud-net;h=n1;s=http://h:8080/seed") == at("http://h:8080", "/seed/user-data"));
  CHECK(seed("\"ds=nocloud;s=http://h:1/s?mac=aa&f=\"") ==
        at("http://h:1", "/s?mac=aa&f=user-data"));
  CHECK(seed("ds=nocloud;seedfrom=http://[::1]") == at("http://[::1]:80", "/user-data"));
  CHECK(seed("ds=nocloud;s=/srv/seed") == at("", "/srv/seed/user-data"));
  CHECK(seed("ds=nocloud;s=file:///srv/seed/") == at("", "/srv/seed/user-data"));
  CHECK(
      seed("ds=nocloud;s=https://h/") ==
      "ds=nocloud: expected s=http://HOST/PATH/ or a folder, found 'https://h/'; the agent knows no authority to verify an https seed by");
  CHECK(
      seed("ds=nocloud;s=http://") ==
      "ds=nocloud: expected s=http://HOST/PATH/ or a folder, found 'http://'; the agent knows no authority to verify an https seed by");
  CHECK(seed("ds=nocloud;h=n1") == ec2);
  CHECK(found({{"product_serial", "ds=nocloud;s=http://h:1/"}}) == at("http://h:1", "/user-data"));
}

TEST_CASE("a seed folder of cloud-init's comes before a cloud") {
  FakeFilesystem files;
  files.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  files.put("/var/lib/cloud/seed/nocloud-net/user-data", "{}");
  const auto origin = find_user_data(files);
  REQUIRE(origin);
  REQUIRE(*origin);
  CHECK((*origin)->path == "/var/lib/cloud/seed/nocloud-net/user-data");
}

TEST_CASE("a container has its host's SMBIOS names, and arguments of its own") {
  FakeFilesystem files;
  files.put("/run/systemd/container", "systemd-nspawn");
  files.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  files.put("/proc/cmdline", "ds=nocloud;s=http://outside:1/");
  auto origin = find_user_data(files);
  REQUIRE(origin);
  CHECK_FALSE(*origin);
  files.put("/proc/1/cmdline", std::string("/sbin/init\0ds=nocloud;s=http://h:1/\0", 36));
  origin = find_user_data(files);
  REQUIRE(origin);
  REQUIRE(*origin);
  CHECK((*origin)->base_url == "http://h:1");
}

TEST_CASE("EC2 alone tells which instance this is, and never in a container") {
  FakeFilesystem files;
  CHECK_FALSE(find_instance_identity(files));
  files.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  files.put("/var/lib/cloud/seed/nocloud/user-data", "");  // whatever its user-data comes from
  const auto origin = find_instance_identity(files);
  REQUIRE(origin);
  CHECK(name(*origin) == "EC2 instance identity");
  CHECK(origin->base_url + origin->path ==
        "http://169.254.169.254:80/latest/dynamic/instance-identity/rsa2048");
  files.put("/run/systemd/container", "systemd-nspawn\n");
  CHECK_FALSE(find_instance_identity(files));
}
