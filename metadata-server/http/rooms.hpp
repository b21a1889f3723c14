// What handlers may ask: the rooms below http/, wired once in server.cpp. All members outlive it.
#pragma once

#include <functional>

#include "artifact/artifact_store.hpp"
#include "backup/backup.hpp"
#include "boot/boot_inventory.hpp"
#include "boot/metadata_tokens.hpp"
#include "fleet/fleet.hpp"
#include "fleet/task_board.hpp"
#include "http/metrics.hpp"

namespace muster {

class ArtifactEncoder;

struct Rooms : Fleet {
  const ArtifactStore& artifacts;
  const MetadataTokens& tokens;
  std::function<std::shared_ptr<const BootInventory>()> boot;
  Metrics& metrics;
  const TaskBoard& tasks;
  std::string audit_folder;            // where older rows of the audit lie
  ArtifactEncoder* encoder = nullptr;  // none: artifacts are served plain, but for forms of before
  const BackupSource* backup = nullptr;
};

}  // namespace muster
