// Secrets that the server makes for a cluster's control plane, and gives to no other machine.
#pragma once

#include <string_view>

namespace muster {

inline constexpr std::string_view service_account_key_secret = "service-account-key";
inline constexpr std::string_view encryption_configuration_secret = "encryption-configuration";

[[nodiscard]] inline bool is_own_secret(std::string_view name) {
  return name == service_account_key_secret || name == encryption_configuration_secret;
}

}  // namespace muster
