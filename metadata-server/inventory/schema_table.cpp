// The field table: the one home of what an inventory may say.
#include "inventory/formats.hpp"
#include "inventory/schema.hpp"

namespace muster {

namespace {

using Type = FieldType;
namespace f = formats;

void add_object_fields(std::vector<Field>& table, std::string_view api, std::string_view kind,
                       std::string_view metadata, std::string_view name, std::string_view spec,
                       std::string_view kind_name, std::string_view about) {
  table.push_back({.path = api,
                   .required = true,
                   .values = {"muster/v1"},
                   .description = "Format of this object."});
  table.push_back({.path = kind, .required = true, .values = {kind_name}, .description = about});
  table.push_back({.path = metadata,
                   .type = Type::object,
                   .required = true,
                   .description = "What the object is called."});
  table.push_back(
      {.path = name,
       .required = true,
       .format = &f::object_name,
       .description = "Unique name; of a Node also its host and Kubernetes node name."});
  table.push_back({.path = spec,
                   .type = Type::object,
                   .required = kind_name != "Profile",
                   .description = "What the object says."});
}

// clang-format off
const std::vector<Field> cluster_fields{
  {.path = "Cluster.spec.kubernetesVersion", .required = true, .format = &f::kubernetes_version,
   .description = "Version of kube-apiserver, kubelet and the rest; must be in the server's catalogue."},
  {.path = "Cluster.spec.bootstrapper", .values = {"native"}, .default_text = "native",
   .description = "How Kubernetes is set up."},
  {.path = "Cluster.spec.api", .type = Type::object, .description = "Where machines reach the Kubernetes API."},
  {.path = "Cluster.spec.api.mode", .values = {"node-local", "external"}, .default_text = "node-local",
   .description = "node-local: a balancer on every machine's loopback; external: a name or address that you keep."},
  {.path = "Cluster.spec.api.host", .format = &f::host,
   .description = "Name or address of an external API endpoint; only with mode external."},
  {.path = "Cluster.spec.api.port", .type = Type::integer, .minimum = 1, .maximum = 65535, .default_text = "6443",
   .description = "Port of the endpoint."},
  {.path = "Cluster.spec.podCidr", .required = true, .format = &f::pod_network,
   .description = "Network of all pods; fixed for the cluster's life."},
  {.path = "Cluster.spec.podCidrPrefix", .type = Type::integer, .minimum = 16, .maximum = 28, .default_text = "24",
   .description = "Prefix length of each machine's share of podCidr."},
  {.path = "Cluster.spec.serviceCidr", .required = true, .format = &f::service_network,
   .description = "Network of all services; fixed for the cluster's life."},
  {.path = "Cluster.spec.nodeCidr", .format = &f::ipv4_network,
   .description = "The machines' own network: every node's address must lie in it. Without it, routed pods need all addresses in one /24."},
  {.path = "Cluster.spec.nodeGateway", .format = &f::ipv4_address,
   .description = "The default gateway in nodeCidr, for machines that are told their network (metadata-server/boot)."},
  {.path = "Cluster.spec.nameservers", .type = Type::list,
   .description = "DNS servers of the machines themselves, told with nodeGateway."},
  {.path = "Cluster.spec.nameservers[]", .format = &f::ipv4_address, .description = "One server's address."},
  {.path = "Cluster.spec.dnsDomain", .format = &f::dns_domain, .default_text = "cluster.local",
   .description = "DNS domain of services; fixed for the cluster's life."},
  {.path = "Cluster.spec.podNetwork", .values = {"routed", "none"}, .default_text = "routed",
   .description = "routed: a bridge per machine and routes between them, on one L2 segment; it enforces no NetworkPolicy. none: left to an addon."},
  {.path = "Cluster.spec.etcd", .type = Type::object, .description = "The cluster's etcd."},
  {.path = "Cluster.spec.etcd.topology", .values = {"stacked"}, .default_text = "stacked",
   .description = "stacked: a member on every control-plane machine."},
  {.path = "Cluster.spec.componentArguments", .type = Type::map,
   .values = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "containerd"},
   .description = "Extra command-line arguments by component; what Muster decides itself (addresses, certificates, CIDRs, paths) is refused, and what that version does not know. Admission plugins, controllers and etcd's feature gates add to Muster's."},
  {.path = "Cluster.spec.componentArguments.*", .type = Type::map, .key_format = &f::flag_name,
   .description = "Flag, without dashes in front, to value."},
  {.path = "Cluster.spec.componentArguments.*.*", .format = &f::flag_value, .description = "The flag's value."},
  {.path = "Cluster.spec.releases", .type = Type::map, .key_format = &f::object_name,
   .description = "Versions of other components: without an entry the newest in the catalogue at the first publication, which stays until `muster apply --upgrade`; also releases of your own, for every machine."},
  {.path = "Cluster.spec.releases.*", .format = &f::release_version, .description = "A version in the catalogue."},
  {.path = "Cluster.spec.profiles", .type = Type::list, .description = "Lowest layers of every machine, in order."},
  {.path = "Cluster.spec.profiles[]", .format = &f::object_name, .description = "Name of a Profile."},
  {.path = "Cluster.spec.artifacts", .type = Type::object, .description = "Where machines fetch releases."},
  {.path = "Cluster.spec.artifacts.mirrors", .type = Type::list,
   .description = "Asked before the server, in order; the digest decides what is taken."},
  {.path = "Cluster.spec.artifacts.mirrors[]", .format = &f::http_url, .description = "Base URL."},
  {.path = "Cluster.spec.certificates", .type = Type::object, .description = "Certificates of machines."},
  {.path = "Cluster.spec.certificates.lifetime", .format = &f::lifetime, .default_text = "90d",
   .description = "Of each certificate, renewed at half of it; also the longest server outage that a machine survives."},
  {.path = "Cluster.spec.coredns", .type = Type::boolean, .default_text = "true",
   .description = "Whether CoreDNS is the first addon; with podNetwork none, the last."},
  {.path = "Cluster.spec.addons", .type = Type::list, .description = "Manifests applied in this order."},
  {.path = "Cluster.spec.addons[]", .type = Type::object, .description = "One addon, with manifest or manifestFile."},
  {.path = "Cluster.spec.addons[].name", .required = true, .format = &f::object_name, .description = "Unique name."},
  {.path = "Cluster.spec.addons[].manifest", .description = "Kubernetes YAML."},
  {.path = "Cluster.spec.addons[].manifestFile", .format = &f::inventory_path,
   .description = "File in the inventory's folder that holds the YAML; it is then no inventory file."},
  {.path = "Cluster.spec.addons[].waitFor", .type = Type::list,
   .description = "What must be ready before the next addon."},
  {.path = "Cluster.spec.addons[].waitFor[]", .format = &f::wait_target, .description = "KIND/NAMESPACE/NAME."},
};

const std::vector<Field> node_fields{
  {.path = "Node.spec.cluster", .required = true, .format = &f::object_name, .description = "Name of its Cluster."},
  {.path = "Node.spec.role", .required = true, .values = {"master", "follower", "node", "masterFollower"},
   .description = "master: the first control-plane machine, exactly one; follower (also masterFollower): a further one; node: a worker."},
  {.path = "Node.spec.profiles", .type = Type::list, .description = "Layers above the cluster's, later ones win."},
  {.path = "Node.spec.profiles[]", .format = &f::object_name, .description = "Name of a Profile."},
  {.path = "Node.spec.address", .required = true, .format = &f::ipv4_address, .description = "The machine's node IP."},
  {.path = "Node.spec.podCidr", .format = &f::ipv4_network,
   .description = "Its share of the cluster's podCidr; without it, the next free one, given once and kept."},
  {.path = "Node.spec.match", .type = Type::object,
   .description = "What the machine says of itself, by which it is recognised; any one is enough, all given must agree."},
  {.path = "Node.spec.match.mac", .type = Type::list,
   .description = "MAC addresses; the NIC that carries the address must have one of them."},
  {.path = "Node.spec.match.mac[]", .format = &f::mac_address, .description = "One MAC address."},
  {.path = "Node.spec.match.uuid", .format = &f::machine_uuid, .description = "SMBIOS system UUID."},
  {.path = "Node.spec.match.serial", .format = &f::printable, .description = "SMBIOS system serial number."},
  {.path = "Node.spec.match.instanceId", .format = &f::printable, .description = "A cloud's instance id."},
  {.path = "Node.spec.bmc", .type = Type::object,
   .description = "The machine's baseboard management controller, which gets its address by `muster dhcp config --mode full`."},
  {.path = "Node.spec.bmc.mac", .required = true, .format = &f::mac_address, .description = "MAC address of its NIC."},
  {.path = "Node.spec.bmc.address", .required = true, .format = &f::ipv4_address, .description = "Its IP address, of no machine."},
  {.path = "Node.spec.labels", .type = Type::map, .key_format = &f::label_key,
   .description = "Kubernetes labels of this machine, above those of the layers."},
  {.path = "Node.spec.labels.*", .format = &f::label_value, .description = "The label's value."},
  {.path = "Node.spec.taints", .type = Type::list, .description = "Taints of this machine, instead of those of the layers."},
  {.path = "Node.spec.taints[]", .type = Type::object, .description = "One taint."},
  {.path = "Node.spec.taints[].key", .required = true, .format = &f::taint_key, .description = "The taint's key."},
  {.path = "Node.spec.taints[].value", .format = &f::label_value, .description = "The taint's value."},
  {.path = "Node.spec.taints[].effect", .required = true, .values = {"NoSchedule", "PreferNoSchedule", "NoExecute"},
   .description = "What it does to pods."},
  {.path = "Node.spec.overrides", .type = Type::object, .description = "The highest layer: settings of this machine alone."},
};

const std::vector<Field> node_pool_fields{
  {.path = "NodePool.spec.cluster", .required = true, .format = &f::object_name, .description = "Name of its Cluster."},
  {.path = "NodePool.spec.role", .required = true, .values = {"master", "follower", "node", "masterFollower"},
   .description = "Of its members. master: the first one is the master, the others follow, and the cluster starts when minimum of them are there."},
  {.path = "NodePool.spec.namePattern", .required = true, .format = &f::name_pattern,
   .description = "Names of its members; each gets the lowest index from 1 that is free."},
  {.path = "NodePool.spec.minimum", .type = Type::integer, .minimum = 0, .maximum = 10000, .default_text = "1",
   .description = "How many members there are to be."},
  {.path = "NodePool.spec.maximum", .type = Type::integer, .required = true, .minimum = 1, .maximum = 10000,
   .description = "The highest index."},
  {.path = "NodePool.spec.vanishedAfter", .format = &f::silence, .default_text = "30m",
   .description = "A member of role node that is not heard of for that long is removed; never, where silence is no reason."},
  {.path = "NodePool.spec.addressRanges", .type = Type::list, .required = true,
   .description = "Where a member's address must lie: that from which it reaches the server, or behindNat that of its document."},
  {.path = "NodePool.spec.addressRanges[]", .format = &f::ipv4_network, .description = "One network."},
  {.path = "NodePool.spec.proofs", .type = Type::list,
   .description = "What a machine must prove, all of it; token is always one. Without it, token and instanceIdentity."},
  {.path = "NodePool.spec.proofs[]", .values = {"token", "instanceIdentity"},
   .description = "token: a join token of the pool. instanceIdentity: also an EC2 instance identity document that its region signed."},
  {.path = "NodePool.spec.instanceIdentity", .type = Type::object,
   .description = "Which EC2 instances are taken; needed where proofs has instanceIdentity."},
  {.path = "NodePool.spec.instanceIdentity.accounts", .type = Type::list, .required = true,
   .description = "AWS accounts whose instances are taken."},
  {.path = "NodePool.spec.instanceIdentity.accounts[]", .format = &f::aws_account, .description = "One account."},
  {.path = "NodePool.spec.instanceIdentity.regions", .type = Type::list, .required = true,
   .description = "Regions whose instances are taken; the server pins the certificate of each."},
  {.path = "NodePool.spec.instanceIdentity.regions[]", .format = &f::aws_region, .description = "One region."},
  {.path = "NodePool.spec.instanceIdentity.images", .type = Type::list,
   .description = "Images that they may run; without it, any."},
  {.path = "NodePool.spec.instanceIdentity.images[]", .format = &f::aws_image, .description = "One image."},
  {.path = "NodePool.spec.instanceIdentity.maximumAge", .format = &f::instance_age, .default_text = "15m",
   .description = "How long after its launch an instance may still enrol."},
  {.path = "NodePool.spec.instanceIdentity.behindNat", .type = Type::boolean, .default_text = "false",
   .description = "true: they reach the server through a NAT, so that a member's address is its document's alone."},
  {.path = "NodePool.spec.onDelete", .values = {"poweroff", "reset", "keep"}, .default_text = "poweroff",
   .description = "What a member does when its cluster ends, or its own time: switch itself off, take everything of Muster away, or nothing."},
  {.path = "NodePool.spec.ttl", .format = &f::lifetime,
   .description = "Time to live of each member, of a pool of role node; without it, as long as its cluster."},
  {.path = "NodePool.spec.profiles", .type = Type::list, .description = "Layers above the cluster's, later ones win."},
  {.path = "NodePool.spec.profiles[]", .format = &f::object_name, .description = "Name of a Profile."},
  {.path = "NodePool.spec.labels", .type = Type::map, .key_format = &f::label_key,
   .description = "Kubernetes labels of its members, above those of the layers."},
  {.path = "NodePool.spec.labels.*", .format = &f::label_value, .description = "The label's value."},
  {.path = "NodePool.spec.taints", .type = Type::list, .description = "Taints of its members, instead of those of the layers."},
  {.path = "NodePool.spec.taints[]", .type = Type::object, .description = "One taint."},
  {.path = "NodePool.spec.taints[].key", .required = true, .format = &f::taint_key, .description = "The taint's key."},
  {.path = "NodePool.spec.taints[].value", .format = &f::label_value, .description = "The taint's value."},
  {.path = "NodePool.spec.taints[].effect", .required = true, .values = {"NoSchedule", "PreferNoSchedule", "NoExecute"},
   .description = "What it does to pods."},
  {.path = "NodePool.spec.overrides", .type = Type::object, .description = "The highest layer: settings of its members alone."},
};

const std::vector<Field> settings_fields{
  {.path = "Settings.kernel", .type = Type::object, .description = "The kernel."},
  {.path = "Settings.kernel.modules", .type = Type::list, .description = "Modules to load."},
  {.path = "Settings.kernel.modules[]", .format = &f::kernel_module, .description = "One module."},
  {.path = "Settings.kernel.sysctl", .type = Type::map, .key_format = &f::sysctl_key, .description = "Kernel parameters."},
  {.path = "Settings.kernel.sysctl.*", .format = &f::printable, .description = "The parameter's value."},
  {.path = "Settings.kernel.arguments", .type = Type::list,
   .description = "Of the command line of a machine that netboots, in order, behind its image's own; a change waits for its next boot."},
  {.path = "Settings.kernel.arguments[]", .format = &f::kernel_argument, .description = "One argument."},
  {.path = "Settings.netboot", .type = Type::object, .description = "How the machine starts where its firmware asks the network."},
  {.path = "Settings.netboot.image", .format = &f::object_name,
   .description = "Name of the netboot image that it starts by: the release image-NAME, whose version is chosen like any other's."},
  {.path = "Settings.stateDisk", .type = Type::object,
   .description = "Of a machine that netboots: the disk that keeps its identity and its state; exactly one of serial, wwn and path names it. Without it all of that is in memory."},
  {.path = "Settings.stateDisk.serial", .format = &f::disk_serial, .description = "The disk's serial number, as `lsblk -o SERIAL` tells it."},
  {.path = "Settings.stateDisk.wwn", .format = &f::disk_wwn, .description = "The disk's World Wide Name, as `lsblk -o WWN` tells it."},
  {.path = "Settings.stateDisk.path", .format = &f::disk_path, .description = "Where the disk is plugged in: whichever lies there is taken."},
  {.path = "Settings.stateDisk.create", .values = {"never", "ifBlank", "wipe"},
   .description = "Whether the state may be made there. ifBlank: on a disk on which nothing is found. wipe: also on any other, once for each `muster node wipe-disk NAME --serial SERIAL`. Without it, never."},
  {.path = "Settings.files", .type = Type::list, .description = "Files to keep on the machine."},
  {.path = "Settings.files[]", .type = Type::object, .description = "One file."},
  {.path = "Settings.files[].path", .required = true, .format = &f::file_path, .description = "Where it lies."},
  {.path = "Settings.files[].content", .type = Type::text_or_secret, .required = true,
   .description = "Its text, or {secretRef: NAME}; a secret's file has mode 0600 unless mode is given."},
  {.path = "Settings.files[].owner", .format = &f::account_name, .default_text = "root", .description = "User that owns it."},
  {.path = "Settings.files[].mode", .format = &f::file_mode, .default_text = "0644", .description = "Permissions."},
  {.path = "Settings.containerd", .type = Type::object, .description = "The container runtime."},
  {.path = "Settings.containerd.registryMirrors", .type = Type::map, .key_format = &f::registry_host,
   .description = "Registry to its mirrors."},
  {.path = "Settings.containerd.registryMirrors.*", .type = Type::list, .description = "Mirrors, asked in order."},
  {.path = "Settings.containerd.registryMirrors.*[]", .format = &f::http_url, .description = "A mirror's URL; with a path, it is where the registry's API begins and names its v2: https://harbor.example/v2/hub."},
  {.path = "Settings.containerd.registryCredentials", .type = Type::map, .key_format = &f::registry_host,
   .description = "Registry to the secret that holds {\"username\",\"password\"}."},
  {.path = "Settings.containerd.registryCredentials.*", .type = Type::secret, .description = "{secretRef: NAME}."},
  {.path = "Settings.containerd.sandboxImage", .format = &f::image_reference,
   .description = "Image of the pod sandbox; without it, registry.k8s.io/pause of the pause release's version."},
  {.path = "Settings.kubelet", .type = Type::object, .description = "kubelet and its Node object."},
  {.path = "Settings.kubelet.labels", .type = Type::map, .key_format = &f::label_key, .description = "Kubernetes labels."},
  {.path = "Settings.kubelet.labels.*", .format = &f::label_value, .description = "The label's value."},
  {.path = "Settings.kubelet.taints", .type = Type::list, .description = "Kubernetes taints."},
  {.path = "Settings.kubelet.taints[]", .type = Type::object, .description = "One taint."},
  {.path = "Settings.kubelet.taints[].key", .required = true, .format = &f::taint_key, .description = "The taint's key."},
  {.path = "Settings.kubelet.taints[].value", .format = &f::label_value, .description = "The taint's value."},
  {.path = "Settings.kubelet.taints[].effect", .required = true, .values = {"NoSchedule", "PreferNoSchedule", "NoExecute"},
   .description = "What it does to pods."},
  {.path = "Settings.kubelet.reservedPolicy", .values = {"gke", "eks", "none"}, .default_text = "gke",
   .description = "Formula of the CPU and memory kept back from pods."},
  {.path = "Settings.kubelet.evictionHard", .type = Type::map, .key_format = &f::eviction_signal,
   .description = "When kubelet evicts at once; without entries, kubelet's own defaults."},
  {.path = "Settings.kubelet.evictionHard.*", .format = &f::eviction_threshold, .description = "The threshold."},
  {.path = "Settings.kubelet.maxPods", .type = Type::integer, .minimum = 1, .maximum = 1024, .default_text = "110",
   .description = "Most pods on the machine."},
  {.path = "Settings.kubelet.extraConfiguration", .type = Type::any,
   .description = "KubeletConfiguration fields that have no field here, as a drop-in; what Muster decides itself is refused."},
  {.path = "Settings.swap", .values = {"fail", "allow"}, .default_text = "fail",
   .description = "What swap in use means: a preflight finding, or nothing."},
};

const std::vector<Field> image_fields{
  {.path = "Image.spec.suite", .values = {"bookworm"}, .default_text = "bookworm", .description = "Debian's release."},
  {.path = "Image.spec.kernel", .values = {"cloud", "generic"}, .default_text = "cloud",
   .description = "Debian's kernel: cloud has the drivers of virtual machines alone, generic those of any."},
  {.path = "Image.spec.kernelArguments", .type = Type::list, .description = "Arguments of the kernel, in order."},
  {.path = "Image.spec.kernelArguments[]", .format = &f::kernel_argument, .description = "One argument."},
  {.path = "Image.spec.packages", .type = Type::list, .description = "Debian packages beside those of every image."},
  {.path = "Image.spec.packages[]", .format = &f::package_name, .description = "Name of a package."},
  {.path = "Image.spec.releases", .type = Type::map, .required = true, .key_format = &f::object_name,
   .description = "Releases that it carries, which machines then do not download; muster-agent is one of them."},
  {.path = "Image.spec.releases.*", .format = &f::release_version,
   .description = "The release's version, or newest for the newest that is there when the image is built."},
  {.path = "Image.spec.files", .type = Type::list, .description = "Files on it, owned by root."},
  {.path = "Image.spec.files[]", .type = Type::object, .description = "One file."},
  {.path = "Image.spec.files[].path", .required = true, .format = &f::image_path, .description = "Where it lies."},
  {.path = "Image.spec.files[].content", .required = true, .description = "Its text: no secret, since who has the image has it."},
  {.path = "Image.spec.files[].mode", .format = &f::file_mode, .default_text = "0644", .description = "Permissions."},
};
// clang-format on

void append(std::vector<Field>& table, const std::vector<Field>& fields) {
  table.insert(table.end(), fields.begin(), fields.end());
}

std::vector<Field> make_table() {
  std::vector<Field> table;
  add_object_fields(table, "Cluster.apiVersion", "Cluster.kind", "Cluster.metadata",
                    "Cluster.metadata.name", "Cluster.spec", "Cluster", "A Kubernetes cluster.");
  append(table, cluster_fields);
  add_object_fields(table, "Profile.apiVersion", "Profile.kind", "Profile.metadata",
                    "Profile.metadata.name", "Profile.spec", "Profile", "A layer of settings.");
  add_object_fields(table, "Node.apiVersion", "Node.kind", "Node.metadata", "Node.metadata.name",
                    "Node.spec", "Node", "A machine.");
  append(table, node_fields);
  add_object_fields(table, "NodePool.apiVersion", "NodePool.kind", "NodePool.metadata",
                    "NodePool.metadata.name", "NodePool.spec", "NodePool",
                    "Machines that nobody lists beforehand.");
  append(table, node_pool_fields);
  append(table, settings_fields);
  add_object_fields(table, "Image.apiVersion", "Image.kind", "Image.metadata",
                    "Image.metadata.name", "Image.spec", "Image", "What a node image is to be.");
  append(table, image_fields);
  return table;
}

}  // namespace

const std::vector<Field>& field_table() {
  static const std::vector<Field> table = make_table();
  return table;
}

}  // namespace muster
