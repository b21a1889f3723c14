// What is told of backups, by their own call and by the status.
#pragma once

#include <nlohmann/json.hpp>

#include "backup/recovery_key.hpp"

namespace muster {

[[nodiscard]] nlohmann::json to_value(const BackupStatus& status);

}  // namespace muster
