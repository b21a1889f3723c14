// What decisions about machines are made from: the rooms below, wired once in server.cpp. All
// members outlive it.
#pragma once

#include <functional>

#include "enrolment/enrolment_context.hpp"
#include "fleet/cluster_ends.hpp"
#include "fleet/machine_reports.hpp"
#include "pki/sealed_box.hpp"
#include "publish/current_documents.hpp"
#include "publish/publish.hpp"
#include "store/store.hpp"
#include "trust/site_keys.hpp"

namespace muster {

struct Fleet {
  Store& store;
  const SealingKey& sealing;
  SiteKeys& site;
  CurrentDocuments& current;
  const PublishContext& publishing;
  const EnrolmentContext& enrolment;
  MachineReports& reports;
  // After a publication of that cluster: enrolment and boot find machines in the new inventory.
  std::function<Result<void>(const std::string& cluster)> reload_inventory;
  ClusterEnds& ends;
};

}  // namespace muster
