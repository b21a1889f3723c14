// What decisions about machines are made from: the rooms below, wired once in server.cpp. All
// members outlive it.
#pragma once

#include "enrolment/enrolment_context.hpp"
#include "fleet/cluster_ends.hpp"
#include "fleet/machine_reports.hpp"
#include "fleet/members.hpp"
#include "fleet/site_clock.hpp"
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
  const CurrentDocuments& current;
  const Quarantine& quarantine;
  const PublishContext& publishing;
  const EnrolmentContext& enrolment;
  MachineReports& reports;
  const ClusterEnds& ends;
  const Members& members;
  SiteClock& clock;  // what destroys by age goes by it
};

}  // namespace muster
