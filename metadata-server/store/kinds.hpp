// The kinds of records that the server keeps, and how their keys are built and read: the one table
// of what is in the store. Values are JSON text; secrets and CA keys inside them are sealed
// (pki/sealed_box) with row_name() as additional data. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace muster::kinds {

inline constexpr std::string_view site = "site";                  // "settings", "first-publication"
inline constexpr std::string_view site_key = "site-key";          // <fingerprint>
inline constexpr std::string_view document_key = "document-key";  // <key id>
inline constexpr std::string_view authority = "authority";        // <cluster or "-">/<name>
inline constexpr std::string_view revision = "revision";          // <cluster>/<12 digits>
inline constexpr std::string_view publication = "publication";    // <cluster>/<12 digits>
inline constexpr std::string_view cluster = "cluster";            // <cluster>
inline constexpr std::string_view document = "document";          // <cluster>/<node>
inline constexpr std::string_view due = "due";                    // <cluster>
inline constexpr std::string_view peers = "peers";                // <cluster>
inline constexpr std::string_view machine = "machine";            // <cluster>/<node>
inline constexpr std::string_view ban = "ban";                    // <cluster>/<node>
inline constexpr std::string_view banned_key = "banned-key";      // <public key fingerprint>
inline constexpr std::string_view member = "member";              // <cluster>/<node>
inline constexpr std::string_view address = "address";            // <IPv4>: "<cluster>/<node>"
inline constexpr std::string_view instance = "instance";          // <EC2 instance id>
inline constexpr std::string_view token = "token";                // <token id>
inline constexpr std::string_view pending = "pending";            // <public key fingerprint>
inline constexpr std::string_view secret = "secret";              // <cluster>/<name>/<12 digits>
inline constexpr std::string_view report = "report";              // <cluster>/<node>
inline constexpr std::string_view served = "served";              // <cluster>/<node>: digest
inline constexpr std::string_view boot = "boot";                  // <cluster>/<node>
inline constexpr std::string_view etcd = "etcd";                  // <cluster>
inline constexpr std::string_view turn = "turn";                  // <cluster>
inline constexpr std::string_view cluster_template = "template";  // <name>
inline constexpr std::string_view on_demand = "on-demand";        // <cluster>
inline constexpr std::string_view drain = "drain";                // <cluster>/<node>
inline constexpr std::string_view usage = "usage";                // <operator>: its clusters
inline constexpr std::string_view operator_record = "operator";   // <name>
inline constexpr std::string_view audit = "audit";      // <20-digit microseconds>-<random>
inline constexpr std::string_view release = "release";  // <name>/<version>

inline constexpr std::string_view cluster_token = "cluster-token";  // <cluster>/<token id>, empty
inline constexpr std::string_view ended_token = "ended-token";      // <token id>
inline constexpr std::string_view tombstone = "tombstone";          // <public key fingerprint>
inline constexpr std::string_view schedule = "schedule";  // <12-digit Unix seconds>/<what>/<name>

inline constexpr std::string_view site_settings_key = "settings";
inline constexpr std::string_view clock_key = "clock";        // of kind site: records/clock_record
inline constexpr std::string_view epoch_key = "epoch";        // of kind site: records/epoch
inline constexpr std::string_view mark_key = "mark";          // of kind site: backup/store_mark
inline constexpr std::string_view recovery_key = "recovery";  // of kind site: backup/recovery_key
inline constexpr std::string_view backup_key = "backup";      // of kind site: backup/recovery_key
inline constexpr std::string_view made_backup_key = "backup-made";  // likewise
inline constexpr std::string_view restored_key = "restored";        // of kind site: records/seal
inline constexpr std::string_view sealed = "sealed";                // <cluster>: records/seal
inline constexpr std::string_view lost = "lost";        // <cluster>/<node>: records/seal
inline constexpr std::string_view unheard = "unheard";  // <cluster>/<node>: records/seal
inline constexpr std::string_view learned = "learned";  // <cluster>/<node>: backup/learned
// Written whenever a cluster is published for the first time (site/publication_guards).
inline constexpr std::string_view first_publication_key = "first-publication";
// The site's own authorities: of machine identities, and of the server's TLS.
inline constexpr std::string_view machines_authority_key = "-/machines";
inline constexpr std::string_view server_authority_key = "-/server";

// "<owner>/<name>": authority, document, machine, report, release.
[[nodiscard]] std::string pair_key(std::string_view owner, std::string_view name);
// Splits at the first slash; nullopt without one or with an empty half.
[[nodiscard]] std::optional<std::pair<std::string, std::string>> parse_pair_key(
    std::string_view key);
// "<owner>/": lists what belongs to one cluster (or to one release name).
[[nodiscard]] std::string prefix_of(std::string_view owner);

// "lab/000000000042": sorts as the numbers do.
[[nodiscard]] std::string revision_key(std::string_view cluster_name, std::uint64_t number);
// The number of a key that revision_key or secret_key made.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view key);

// "lab/db-password/000000000003", and the prefix of all its versions.
[[nodiscard]] std::string secret_key(std::string_view cluster_name, std::string_view name,
                                     std::uint64_t version);
[[nodiscard]] std::string secret_prefix(std::string_view cluster_name, std::string_view name);

// "00001763701234567890-9f86d081": sorts by time; `random` keeps rows of one microsecond apart.
[[nodiscard]] std::string audit_key(std::uint64_t unix_microseconds, std::string_view random);

// "secret|lab/db-password/000000000003": the additional data of what is sealed inside a record.
[[nodiscard]] std::string row_name(std::string_view kind, std::string_view key);

}  // namespace muster::kinds
