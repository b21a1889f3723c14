#include "inventory/formats.hpp"

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "inventory/text_rules.hpp"

namespace muster::formats {

using namespace rules;

#define MUSTER_LABEL "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
#define MUSTER_OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define MUSTER_IPV4 "(" MUSTER_OCTET "\\.){3}" MUSTER_OCTET
#define MUSTER_NAME_PART "[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?"

const Format object_name{"a DNS label such as rack-a-07 (a-z, 0-9, '-', at most 63 letters)",
                         "^" MUSTER_LABEL "$", is_dns_label};
const Format name_pattern{
    "a name such as ci-{index}: at most 58 letters (a-z, 0-9, '-') with no digit before {index}, which ends it",
    "^([a-z]|[a-z0-9][-a-z0-9]{0,56}[-a-z])\\{index\\}$", is_name_pattern};
const Format dns_domain{"a DNS domain such as cluster.local",
                        "^" MUSTER_LABEL "(\\." MUSTER_LABEL ")*$", is_dns_name};
const Format host{"a DNS name or an IPv4 address", "^" MUSTER_LABEL "(\\." MUSTER_LABEL ")*$",
                  is_host};
const Format ipv4_address{"an IPv4 address such as 10.77.0.11", "^" MUSTER_IPV4 "$", is_ipv4};
const Format ipv4_network{"an IPv4 network such as 10.64.0.0/16",
                          "^" MUSTER_IPV4 "/(3[0-2]|[12]?[0-9])$",
                          [](std::string_view text) { return parse_cidr(text).has_value(); }};
const Format pod_network{"an IPv4 network such as 10.64.0.0/16",
                         "^" MUSTER_IPV4 "/(2[0-8]|1[0-9]|[89])$",
                         [](std::string_view text) { return is_network_between(text, 8, 28); }};
const Format service_network{
    "an IPv4 network of /12 to /28 such as 10.96.0.0/16", "^" MUSTER_IPV4 "/(2[0-8]|1[2-9])$",
    [](std::string_view text) { return is_network_between(text, 12, 28); }};
const Format kubernetes_version{
    "a version such as 1.36.3",
    "^[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}([-+][A-Za-z0-9]([-.A-Za-z0-9]{0,30}[A-Za-z0-9])?)?$",
    is_kubernetes_version};
const Format release_version{"a release's version such as 3.6.16",
                             "^[A-Za-z0-9][-+._~A-Za-z0-9]{0,63}$", is_version};
const Format mac_address{"a MAC address such as 0c:c4:7a:80:09:1f",
                         "^([0-9A-Fa-f]{2}[-:]){5}[0-9A-Fa-f]{2}$", is_any_mac};
const Format machine_uuid{"a UUID such as 4c4c4544-0042-3510-8052-b4c04f4e3232",
                          "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", is_uuid};
const Format printable{"printable text of at most 255 letters on one line", "^[ -~]{1,255}$",
                       is_printable};
const Format lifetime{"a time from 12m to 825d such as 90d", "^[1-9][0-9]*[smhd]$", is_lifetime};
const Format aws_account{"an AWS account of 12 digits such as '123456789012'", "^[0-9]{12}$",
                         is_aws_account};
const Format aws_region{"an AWS region such as eu-central-1", "^[a-z][-a-z]{2,29}-[0-9]{1,2}$",
                        is_aws_region};
const Format aws_image{"an image such as ami-0abcdef1234567890", "^ami-[0-9a-f]{8,17}$",
                       is_aws_image};
const Format instance_age{"a time from 1m to 24h such as 15m", "^[1-9][0-9]*[smhd]$",
                          is_instance_age};
const Format silence{"a time from 5m to 30d such as 30m, or never", "^([1-9][0-9]*[smhd]|never)$",
                     is_silence};
const Format http_url{"a URL such as https://mirror.example/releases", "^https?://[^/ ].*$",
                      is_http_url};
const Format registry_host{"a registry such as registry.k8s.io or 10.0.0.5:5000",
                           "^" MUSTER_LABEL "(\\." MUSTER_LABEL ")*(:[0-9]{1,5})?$", is_registry};
const Format image_reference{"an image such as registry.k8s.io/pause:3.10.2",
                             "^[A-Za-z0-9][-A-Za-z0-9./:_@]{0,254}$", is_image};
const Format flag_name{"a flag without dashes in front such as audit-log-maxage",
                       "^" MUSTER_LABEL "$", is_dns_label};
const Format flag_value{"text without blanks, quotes, '$' and backslashes",
                        "^[!#%&(-\\[\\]-~]{0,4096}$", is_flag_value};
const Format kernel_argument{"text without blanks, quotes, '$' and backslashes",
                             "^[!#%&(-\\[\\]-~]{1,4096}$", is_kernel_argument};
const Format disk_serial{"a serial number of at most 64 letters, without blanks at its ends",
                         "^[!-~]([ -~]{0,62}[!-~])?$", is_disk_serial};
const Format disk_wwn{"a WWN such as 0x5000c500a1b2c3d4 or eui.0025385b71b0a1c2",
                      "^(0x|naa\\.|eui\\.)[0-9A-Fa-f]{16}([0-9A-Fa-f]{16})?$", is_disk_wwn};
const Format disk_path{
    "a path such as /dev/disk/by-path/pci-0000:01:00.0-nvme-1 (a name such as /dev/sda is given anew at each start)",
    "^/dev/disk/by-path/[!-.0-~]{1,200}$", is_disk_path};
const Format label_key{
    "a label key that is not reserved (role labels come from the role; of kubernetes.io and k8s.io only node.kubernetes.io/, kubelet.kubernetes.io/, topology.kubernetes.io/zone and /region)",
    "^(" MUSTER_LABEL "(\\." MUSTER_LABEL ")*/)?" MUSTER_NAME_PART "$", is_settable_label_key};
const Format label_value{"a label value of at most 63 letters (A-Z, a-z, 0-9, '-', '_', '.')",
                         "^(" MUSTER_NAME_PART ")?$", is_label_value};
const Format taint_key{"a taint key such as nvidia.com/gpu",
                       "^(" MUSTER_LABEL "(\\." MUSTER_LABEL ")*/)?" MUSTER_NAME_PART "$",
                       is_label_key};
const Format file_path{
    "an absolute path outside /etc/kubernetes, /etc/muster, /opt/muster, /var/lib/etcd and /var/lib/muster",
    "^(/[^/]+)+$", is_file_path};
const Format inventory_path{"the path of a .yaml file in the inventory's folder",
                            "^[^/]+(/[^/]+)*\\.ya?ml$", is_inventory_path};
const Format file_mode{"a quoted file mode such as '0644'", "^0[0-7]{3}$", is_mode};
const Format account_name{"a user name", "^[a-z_][-_a-z0-9]{0,31}$", is_user_name};
const Format kernel_module{"a kernel module such as br_netfilter",
                           "^[A-Za-z0-9]([-_A-Za-z0-9]{0,62}[A-Za-z0-9])?$", is_kernel_module};
const Format sysctl_key{"a sysctl such as vm.max_map_count",
                        "^[A-Za-z0-9]([-._/A-Za-z0-9]{0,126}[A-Za-z0-9])?$", is_sysctl};
const Format eviction_signal{
    "an eviction signal such as memory.available",
    "^(memory\\.available|pid\\.available|(nodefs|imagefs|containerfs)\\.(available|inodesFree))$",
    is_eviction_signal};
const Format eviction_threshold{
    "a quantity or a percentage such as 100Mi, 1.5Gi or '10%'",
    "^[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)(([eE][-+]?[0-9]{1,9})?%?|[numkMGTPE]|[KMGTPE]i)$",
    is_threshold};
const Format wait_target{"KIND/NAMESPACE/NAME of a deployment, daemonset or statefulset",
                         "^(deployment|daemonset|statefulset)/" MUSTER_LABEL "/" MUSTER_LABEL
                         "(\\." MUSTER_LABEL ")*$",
                         is_wait_target};
const Format package_name{"a Debian package such as openssh-server", "^[a-z0-9][-+.a-z0-9]{1,99}$",
                          is_package_name};
const Format image_path{"an absolute path outside /opt/muster and /var/lib/muster", "^(/[^/]+)+$",
                        is_image_path};

#undef MUSTER_LABEL
#undef MUSTER_OCTET
#undef MUSTER_IPV4
#undef MUSTER_NAME_PART

const std::vector<const Format*>& all() {
  static const std::vector<const Format*> formats{&object_name,        &name_pattern,
                                                  &dns_domain,         &host,
                                                  &ipv4_address,       &ipv4_network,
                                                  &pod_network,        &service_network,
                                                  &kubernetes_version, &release_version,
                                                  &mac_address,        &machine_uuid,
                                                  &printable,          &lifetime,
                                                  &http_url,           &registry_host,
                                                  &aws_account,        &aws_region,
                                                  &aws_image,          &instance_age,
                                                  &image_reference,    &flag_name,
                                                  &flag_value,         &label_key,
                                                  &label_value,        &taint_key,
                                                  &file_path,          &inventory_path,
                                                  &file_mode,          &account_name,
                                                  &kernel_module,      &sysctl_key,
                                                  &eviction_signal,    &eviction_threshold,
                                                  &wait_target,        &package_name,
                                                  &image_path,         &silence,
                                                  &kernel_argument,    &disk_serial,
                                                  &disk_wwn,           &disk_path};
  return formats;
}

}  // namespace muster::formats
