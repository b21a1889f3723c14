// The formats that the field table names. `pattern` (for editors) and `accepts` (for us) say the
// same: a test runs both over the same texts.
#pragma once

#include <vector>

#include "inventory/schema.hpp"

namespace muster::formats {

extern const Format object_name;   // DNS label, RFC 1123: also a Kubernetes node name
extern const Format name_pattern;  // of a pool's members
extern const Format dns_domain;
extern const Format host;  // DNS name or IPv4 address
extern const Format ipv4_address;
extern const Format ipv4_network;
extern const Format pod_network;
extern const Format service_network;
extern const Format kubernetes_version;
extern const Format release_version;
extern const Format mac_address;
extern const Format machine_uuid;
extern const Format printable;  // one line without control characters
extern const Format lifetime;
extern const Format aws_account;
extern const Format aws_region;
extern const Format aws_image;
extern const Format instance_age;
extern const Format silence;
extern const Format http_url;
extern const Format registry_host;
extern const Format image_reference;
extern const Format flag_name;
extern const Format flag_value;
extern const Format kernel_argument;
extern const Format disk_serial;
extern const Format disk_wwn;
extern const Format disk_path;  // where it is plugged in; /dev/sda is whichever was found first
extern const Format label_key;
extern const Format label_value;
extern const Format taint_key;
extern const Format file_path;
extern const Format inventory_path;
extern const Format file_mode;
extern const Format account_name;
extern const Format kernel_module;
extern const Format sysctl_key;
extern const Format eviction_signal;
extern const Format eviction_threshold;
extern const Format wait_target;
extern const Format package_name;
extern const Format image_path;

// Every one of them, for the test that compares pattern and function.
[[nodiscard]] const std::vector<const Format*>& all();

}  // namespace muster::formats
