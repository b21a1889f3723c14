// What handlers may ask: the rooms below http/, wired once in main.cpp. All members outlive it.
#pragma once

#include <functional>

#include "artifact/artifact_store.hpp"
#include "boot/boot_inventory.hpp"
#include "boot/metadata_tokens.hpp"
#include "enrolment/enrolment_context.hpp"
#include "http/cluster_ends.hpp"
#include "http/machine_reports.hpp"
#include "http/metrics.hpp"
#include "pki/sealed_box.hpp"
#include "site/current_documents.hpp"
#include "site/publish.hpp"
#include "site/site_keys.hpp"
#include "store/store.hpp"

namespace muster {

class ArtifactEncoder;

struct Rooms {
  Store& store;
  const SealingKey& sealing;
  const ArtifactStore& artifacts;
  SiteKeys& site;
  CurrentDocuments& current;
  const PublishContext& publishing;
  const EnrolmentContext& enrolment;
  const MetadataTokens& tokens;
  std::function<std::shared_ptr<const BootInventory>()> boot;
  MachineReports& reports;
  Metrics& metrics;
  // After a publication of that cluster: enrolment and boot find machines in the new inventory.
  std::function<Result<void>(const std::string& cluster)> reload_inventory;
  ClusterEnds& ends;
  std::string audit_folder;            // where older rows of the audit lie
  ArtifactEncoder* encoder = nullptr;  // none: artifacts are served plain, but for forms of before
};

}  // namespace muster
