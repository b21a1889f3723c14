// Where this machine's user-data is, and its cloud's word on which instance it is. Decided from
// what firmware and kernel say, as cloud-init's ds-identify does, so that no machine waits for a
// metadata service that is not there.
#pragma once

#include <optional>
#include <string>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

enum class UserDataDialect {
  ec2,           // IMDSv2: docs.aws.amazon.com, "Use the Instance Metadata Service"
  ec2_identity,  // the same service's signed instance identity document
  gce,           // cloud.google.com, "Access VM metadata"
  digitalocean,  // docs.digitalocean.com, "Metadata API"
  nocloud,       // a seed over HTTP: docs.cloud-init.io, "NoCloud"
  folder,        // a seed on this machine
};

struct UserDataOrigin {
  UserDataDialect dialect = UserDataDialect::ec2;
  std::string base_url;  // "http://169.254.169.254:80"; of a folder: empty
  std::string path;      // with query; of a folder: of the file
};

// "EC2 user-data", "NoCloud user-data (/var/lib/cloud/seed/nocloud/user-data)"
[[nodiscard]] std::string name(const UserDataOrigin& origin);

// The first of: `ds=nocloud;s=PLACE` of the kernel command line (in a container: of PID 1's), the
// same as SMBIOS serial number, cloud-init's seed folders, EC2, GCE, DigitalOcean by SMBIOS;
// nullopt where there is none. SMBIOS is the host's in a container, and ignored there. kind
// invalid: a PLACE that the agent cannot read.
[[nodiscard]] Result<std::optional<UserDataOrigin>> find_user_data(const Filesystem& files);

// Where EC2 tells which instance this is; nullopt where SMBIOS does not say EC2, or in a container.
[[nodiscard]] std::optional<UserDataOrigin> find_instance_identity(const Filesystem& files);

}  // namespace muster
