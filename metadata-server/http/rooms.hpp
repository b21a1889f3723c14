// What handlers may ask: the rooms below http/, wired once in main.cpp. All members outlive it.
#pragma once

#include <functional>

#include "artifact/artifact_store.hpp"
#include "enrolment/enrolment_context.hpp"
#include "http/machine_reports.hpp"
#include "http/metrics.hpp"
#include "pki/sealed_box.hpp"
#include "site/current_documents.hpp"
#include "site/publish.hpp"
#include "site/site_keys.hpp"
#include "store/store.hpp"

namespace muster {

struct Rooms {
  Store& store;
  const SealingKey& sealing;
  const ArtifactStore& artifacts;
  SiteKeys& site;
  CurrentDocuments& current;
  const PublishContext& publishing;
  const EnrolmentContext& enrolment;
  MachineReports& reports;
  Metrics& metrics;
  // After a publication: enrolment matches machines against the new inventory.
  std::function<Result<void>()> reload_inventory;
};

}  // namespace muster
