// Every path that the agent reads or writes beside what a document asks for (machine/paths.hpp),
// once.
#pragma once

#include <cstdint>

#include "machine/paths.hpp"

namespace muster::paths {

inline constexpr const char* settings = "/etc/muster/agent.json";
inline constexpr const char* metadata = "/etc/muster/metadata.json";  // flat, of a site's scripts
inline constexpr const char* state = "/var/lib/muster";
// Searched by others, not read: etcd's own user reaches its certificates through it.
inline constexpr std::uint32_t state_mode = 0711;
// What a netbooted machine's initrd says of itself (agent/initrd_phases).
inline constexpr const char* boot_phases = "/etc/muster/boot-phases";
// What user-data said, without the token: {"place","settings"}.
inline constexpr const char* settings_memory = "/var/lib/muster/settings.json";
inline constexpr const char* identity_key = "/var/lib/muster/identity/key.pem";
inline constexpr const char* identity_certificate = "/var/lib/muster/identity/certificate.pem";
inline constexpr const char* cache = "/var/lib/muster/cache";  // 0700
inline constexpr const char* trust_cache = "/var/lib/muster/cache/trust.json";
inline constexpr const char* document_cache = "/var/lib/muster/cache/document.json";
inline constexpr const char* peers_cache = "/var/lib/muster/cache/peers.json";
inline constexpr const char* copies = "/var/lib/muster/copies";    // of the three: kept_copy.hpp
inline constexpr const char* settled = "/var/lib/muster/settled";  // HEX.json
inline constexpr const char* checkpoint = "/var/lib/muster/checkpoint.json";
// Of the digests that the checkpoint keeps of secrets (secret_digest.hpp).
inline constexpr const char* secret_digest_key = "/var/lib/muster/secret-digests.key";
inline constexpr const char* tombstone = "/var/lib/muster/tombstone.json";
inline constexpr const char* report_spool = "/var/lib/muster/spool";
inline constexpr const char* certificates = "/var/lib/muster/certificates";  // NAME/SERIAL/
inline constexpr const char* originals = "/var/lib/muster/originals";  // first contents of files
inline constexpr const char* identity = "/var/lib/muster/identity";    // -> identities/SERIAL
inline constexpr const char* identities =
    "/var/lib/muster/identities";  // SERIAL/{key,certificate}.pem
inline constexpr const char* enrolment_key = "/var/lib/muster/identities/enrolment/key.pem";
inline constexpr const char* downloads = "/var/lib/muster/downloads";
inline constexpr const char* releases = "/opt/muster/releases";  // NAME/VERSION/
// Stamps of the releases that an image carries; images/README.md.
inline constexpr const char* carried_releases = "/opt/muster/carried-releases.json";
inline constexpr const char* etcd_snapshots = "/var/lib/muster/etcd-snapshots";  // 0700
inline constexpr const char* kubectl_cache = "/var/lib/muster/cache/kubectl";
inline constexpr const char* monitor_state = "/run/muster-monitor";  // NAME.json
// Of the masquerading table as units/muster-routes.service made it: "sha256:DIGEST RUN".
inline constexpr const char* masquerade_note = "/run/muster-routes/masquerade";
inline constexpr const char* runtime = "/run/muster-agent";  // 0700
// Of the Lease of the duties, as it was last seen to change: "SECONDS_SINCE_BOOT RECORD".
inline constexpr const char* seen_lease = "/run/muster-agent/seen-lease";
inline constexpr const char* kept_status = "/run/muster-agent/status.json";
// What the machine waits for, before the login prompts of its consoles: issue(5).
inline constexpr const char* waiting = "/run/issue.d/muster.issue";
// What is in the slots of its state disk, as the image's own program says; and what it is to write.
inline constexpr const char* slots = "/run/muster-slot/state";
inline constexpr const char* slot_order = "/run/muster-agent/slot-order";
inline constexpr const char* facts_root = "/";

}  // namespace muster::paths
