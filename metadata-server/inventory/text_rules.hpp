// What the formats accept beyond document/field_syntax.hpp. Pure, linear in the text, no regular
// expressions: those of the standard library are slow and recurse with the length of what an
// operator sends.
#pragma once

#include <string_view>

namespace muster {

namespace rules {

bool is_network_between(std::string_view text, unsigned shortest, unsigned longest);
bool is_name_pattern(std::string_view text);
bool is_host(std::string_view text);
bool is_kubernetes_version(std::string_view text);
bool is_any_mac(std::string_view text);
bool is_uuid(std::string_view text);
bool is_lifetime(std::string_view text);
bool is_aws_account(std::string_view text);
bool is_aws_region(std::string_view text);
bool is_aws_image(std::string_view text);
bool is_instance_age(std::string_view text);
bool is_silence(std::string_view text);
bool is_registry(std::string_view text);
bool is_image(std::string_view text);
bool is_flag_value(std::string_view text);
bool is_settable_label_key(std::string_view text);
bool is_file_path(std::string_view text);
bool is_inventory_path(std::string_view text);
bool is_sysctl(std::string_view text);
bool is_kernel_module(std::string_view text);
bool is_eviction_signal(std::string_view text);
bool is_threshold(std::string_view text);
bool is_wait_target(std::string_view text);
bool is_printable(std::string_view text);
bool is_disk_serial(std::string_view text);
bool is_disk_wwn(std::string_view text);
bool is_disk_path(std::string_view text);
bool is_package_name(std::string_view text);
bool is_image_path(std::string_view text);

}  // namespace rules
}  // namespace muster
