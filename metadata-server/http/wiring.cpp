#include "http/wiring.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"

namespace muster {

Wiring::Wiring(Store& database, const SealingKey& sealing, SiteKeys& site,
               const ArtifactStore& artifacts, WiringSettings settings)
    : clock({settings.now, settings.since_boot}),
      current(quarantine),
      inventory(quarantine),
      reports(settings.since_boot),
      ends(quarantine),
      members(quarantine),
      views(database, {&current, &inventory, &reports, &ends, &members, &callers, &agent},
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
                [this](const NodeName& node, const std::string& key) {
                  return member_publisher.publish(node.cluster, node.node, key);
                },
                std::move(settings.regions),
                [this] { return clock.earliest_now(); }},
      publishing{store,
                 sealing,
                 site,
                 current,
                 quarantine,
                 settings.now,
                 [this](const std::string& cluster) { return banned_machines(store, cluster); },
                 [](const std::string& cluster, const std::string& node, Transaction& transaction) {
                   forget_machine({cluster, node}, transaction);
                 },
                 later_fields,
                 [this] { return clock.earliest_now(); }},
      member_publisher(publishing),
      tokens(settings.metadata_tokens),
      rooms{{store, sealing, site, current, quarantine, publishing, enrolment, reports, ends,
             members, clock, agent},
            artifacts,
            tokens,
            [this] { return inventory.boot(); },
            metrics,
            tasks,
            std::move(settings.audit_folder),
            settings.encoder},
      router(rooms, callers, metrics, settings.admin_group) {}

}  // namespace muster
