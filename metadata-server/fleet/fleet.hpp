// What decisions about machines are made from: the rooms below, wired once in server.cpp. All
// members outlive it.
#pragma once

#include "boot/user_data.hpp"
#include "enrolment/enrolment_context.hpp"
#include "fleet/agent_package.hpp"
#include "fleet/boot_states.hpp"
#include "fleet/cluster_ends.hpp"
#include "fleet/kept_images.hpp"
#include "fleet/machine_reports.hpp"
#include "fleet/members.hpp"
#include "fleet/site_clock.hpp"
#include "pki/sealed_box.hpp"
#include "publish/current_documents.hpp"
#include "publish/publish.hpp"
#include "publish/publisher.hpp"
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
  Publisher& publisher;
  const EnrolmentContext& enrolment;
  MachineReports& reports;
  const ClusterEnds& ends;
  const Members& members;
  SiteClock& clock;  // what destroys by age goes by it
  const AgentPackage& agent;
  BootStates& boots;
  KeptImages& kept_images;
};

// What machines are told of the site, by its trust list and its catalogue of now.
[[nodiscard]] inline SiteContact site_contact(const Fleet& fleet) {
  const auto trust = fleet.site.trust();
  return {fleet.site.site(), trust->list.servers.enrol, trust->list.servers.boot,
          fleet.agent.digest()};
}

}  // namespace muster
