// What kubelet keeps back for the system: the named policies. Pure.
// gke: cloud.google.com/kubernetes-engine "plan node sizes". eks: awslabs/amazon-eks-ami,
// nodeadm/internal/kubelet/config.go. They differ by 26 GiB on a 1 TiB machine, so neither is
// silent: the document names one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

struct ReservedResources {
  std::uint32_t cpu_millis = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t ephemeral_storage_bytes = 0;
};

// `policy` is gke, eks or none (as document validation allows); none and anything else reserve
// nothing. Memory is without the 100 MiB of eviction.
[[nodiscard]] ReservedResources reserved_resources(std::string_view policy, std::uint32_t cpus,
                                                   std::uint64_t memory_bytes,
                                                   std::uint32_t max_pods);

}  // namespace muster
