#include "http/wiring.hpp"

#include <spdlog/spdlog.h>

#include "fleet/other_history.hpp"
#include "publish/releases.hpp"

namespace muster {

Wiring::Wiring(Store& database, const SealingKey& sealing, SiteKeys& site,
               const ArtifactStore& artifacts, WiringSettings settings)
    : clock({settings.now, settings.since_boot}),
      memory(std::make_shared<PublicationMemory>()),
      current(quarantine, memory),
      inventory(quarantine, memory),
      reports(settings.since_boot),
      ends(quarantine),
      members(quarantine),
      views(database, {&current, &inventory, &reports, &ends, &members, &callers, &agent, &boots},
            settings.views_patience,
            [](const Error& error) { spdlog::error("not followed: {}", error.message); }),
      store(database, views),
      enrolment{store,
                site.machines(),
                nonces,
                refusals,
                counts,
                [this] { return inventory.enrolment(); },
                settings.now,
                settings.limits,
                &publisher,
                std::move(settings.regions),
                [this] { return clock.earliest_now(); },
                [this] { return clock.latest_now(); },
                [this](const std::string& cluster) {
                  return backup.is_required ? is_backed_up(store, cluster) : Result<bool>(true);
                }},
      release_flags(store, artifacts),
      publishing{store,
                 sealing,
                 site,
                 current,
                 quarantine,
                 settings.now,
                 later_fields,
                 [this] { return clock.earliest_now(); },
                 settings.service_account_key,
                 memory,
                 [this](const std::string& cluster) {
                   return taken_generations(current, reports, cluster);
                 },
                 [this] { return clock.latest_now(); },
                 [this] { return release_flags.read(); },
                 [this](std::vector<CatalogueEntry>& releases) {
                   return count_missing(store, rooms.artifacts, releases);
                 }},
      publisher(publishing),
      tokens(settings.metadata_tokens),
      backup(std::move(settings.backup)),
      rooms{{store, sealing, site, current, quarantine, publishing, publisher, enrolment, reports,
             ends, members, clock, agent, boots, kept_images},
            artifacts,
            tokens,
            [this] { return inventory.boot(); },
            metrics,
            tasks,
            std::move(settings.audit_folder),
            settings.encoder,
            &backup},
      router(rooms, callers, metrics, settings.admin_group) {}

}  // namespace muster
