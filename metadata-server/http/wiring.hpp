// Everything that a server answers from, wired once: the views and the feed that keeps them, what
// each room needs, the routes. For server.cpp, and for tests without sockets.
#pragma once

#include "fleet/inventory_view.hpp"
#include "http/rooms.hpp"
#include "http/router.hpp"
#include "publish/publisher.hpp"
#include "publish/release_flags.hpp"
#include "store/views.hpp"

namespace muster {

struct WiringSettings {
  std::function<TimePoint()> now;
  EnrolmentLimits limits = {};
  std::vector<AwsRegion> regions = {};
  TokenPolicy metadata_tokens = TokenPolicy::optional;
  std::string audit_folder = {};
  std::optional<std::uint32_t> admin_group = std::nullopt;
  ArtifactEncoder* encoder = nullptr;
  std::chrono::milliseconds views_patience = Views::patience;
  KeySource service_account_key = PrivateKey::generate_rsa2048;
  // Seconds since boot (fleet/site_clock).
  std::function<std::int64_t()> since_boot = clocks_of_this_machine().since_boot;
  BackupSource backup = {};
};

// Not moved once it is made: its members know each other. Members are destroyed from the last.
struct Wiring {
  // All outlive it. `database`: from now on changed through `store` alone.
  Wiring(Store& database, const SealingKey& sealing, SiteKeys& site, const ArtifactStore& artifacts,
         WiringSettings settings);
  Wiring(const Wiring&) = delete;

  SiteClock clock;
  TaskBoard tasks;
  Quarantine quarantine;
  std::shared_ptr<PublicationMemory> memory;  // of the next two and `publishing`
  CurrentDocuments current;
  InventoryView inventory;
  MachineReports reports;
  ClusterEnds ends;
  Members members;
  CallerCache callers;
  AgentPackage agent;
  BootStates boots;
  Views views;  // of these eight
  KeptImages kept_images;
  ViewedStore store;
  Nonces nonces;
  RefusalLog refusals;
  AuditCounts counts;
  EnrolmentContext enrolment;
  ReleaseFlagsReader release_flags;
  PublishContext publishing;
  Publisher publisher;
  MetadataTokens tokens;
  Metrics metrics;
  BackupSource backup;
  Rooms rooms;
  Router router;
};

}  // namespace muster
