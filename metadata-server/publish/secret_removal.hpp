// Removing a secret that no published document names. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

// All versions. conflict: a published document names it. Idempotent.
[[nodiscard]] Result<void> remove_secret(Store& store, const std::string& cluster,
                                         const std::string& name, std::string_view actor,
                                         TimePoint now);

}  // namespace muster
