#include "http/routes.hpp"

#include <array>

#include "http/handlers.hpp"

namespace muster {
namespace {

using namespace handlers;

constexpr unsigned boot = 1, enrol = 2, node = 4, admin = 8, scrape = 16;
static_assert(boot == static_cast<unsigned>(ListenerKind::boot) &&
              enrol == static_cast<unsigned>(ListenerKind::enrol) &&
              node == static_cast<unsigned>(ListenerKind::node) &&
              admin == static_cast<unsigned>(ListenerKind::admin) &&
              scrape == static_cast<unsigned>(ListenerKind::scrape));
constexpr unsigned api = node | admin;
constexpr std::uint64_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;
constexpr auto anyone = Audience::anyone, machine = Audience::machine,
               ended_too = Audience::ended_too, sealed = Audience::sealed,
               operators = Audience::operators, creators = Audience::creators,
               enrolled = Audience::enrolled;
constexpr auto none = BodyAs::none, memory = BodyAs::memory, artifact = BodyAs::artifact;
constexpr auto at_once = Runs::at_once, pooled = Runs::pooled;

// clang-format off
constexpr std::array table{
  // What is public on the provisioning network.
  Route{"GET",    "/v1/artifacts/:digest",                       boot,                anyone,    none,     0,       pooled,  get_artifact,      "an artifact's bytes, plain or zstd; Range, ETag"},
  Route{"GET",    "/healthz",                                    boot | admin | scrape, anyone,  none,     0,       at_once, get_healthz,       "the process answers"},
  Route{"GET",    "/readyz",                                     admin | scrape,      anyone,    none,     0,       pooled,  get_readyz,        "the store answers, and no file of a release is missing"},
  Route{"GET",    "/metrics",                                    admin | scrape,      anyone,    none,     0,       pooled,  get_metrics,       "Prometheus text"},
  Route{"GET",    "/nocloud/:file",                              boot,                anyone,    none,     0,       at_once, get_nocloud_seed,  "a file of the machine's NoCloud seed, by its address"},
  Route{"GET",    "/nocloud/:mark/+value/:file",                 boot,                anyone,    none,     0,       at_once, get_nocloud_seed,  "the same, by what its hardware says: `mac`, `uuid`, `serial`"},
  Route{"GET",    "/nocloud",                                    boot,                anyone,    none,     0,       at_once, get_nocloud_seed,  "the same, by query: `mac`, `uuid`, `serial`, and `f` for the file"},
  Route{"PUT",    "/latest/api/token",                           boot,                anyone,    none,     0,       at_once, put_metadata_token, "a session token for the EC2-style metadata"},
  Route{"PUT",    "/ec2/:mark/+value/latest/api/token",          boot,                anyone,    none,     0,       at_once, put_metadata_token, "the same, for a machine named by its hardware"},
  Route{"GET",    "/ec2/:mark/+value/*path",                     boot,                anyone,    none,     0,       at_once, get_ec2_metadata,  "EC2-style metadata of a machine named by its hardware"},
  Route{"GET",    "/boot.ipxe",                                  boot,                anyone,    none,     0,       at_once, get_chain_script,  "iPXE's first script: who asks, and where to go on"},
  Route{"GET",    "/ipxe",                                       boot,                anyone,    none,     0,       pooled,  get_boot_script,   "iPXE's second script: what the machine starts by, by query: `mac`, `uuid`, `serial`"},
  Route{"GET",    "/boot/machine.cpio",                          boot,                anyone,    none,     0,       pooled,  get_machine_archive, "what is the machine's own beside its netboot image, by the same query"},
  Route{"POST",   "/boot/failure",                               boot,                anyone,    memory,   1 * KiB, pooled,  post_boot_failure, "why a machine's initrd gave up, by the same query"},

  // The way in.
  Route{"GET",    "/v1/trust",                                   enrol,               anyone,    none,     0,       at_once, get_trust,         "the chain of trust lists"},
  Route{"POST",   "/v1/nonce",                                   enrol,               anyone,    memory,   1 * KiB,   at_once, post_nonce,        "a number for one proof, 60 s"},
  Route{"POST",   "/v1/enrol",                                   enrol,               anyone,    memory,   64 * KiB, pooled, post_enrol,        "a first identity: 200, or 202 until approved"},
  Route{"POST",   "/v1/recover",                                 enrol,               anyone,    memory,   64 * KiB, pooled, post_recover,      "a new identity by an expired one and its key"},
  Route{"POST",   "/v1/held",                                    enrol | node,        sealed,    memory,   10 * MiB, pooled, post_held,         "what a machine of a sealed cluster holds, signed by the site"},

  // What an enrolled machine is served. No path names a node: the certificate does.
  Route{"GET",    "/v1/trust",                                   node,                enrolled,  none,     0,       at_once, get_trust,         "the chain of trust lists"},
  Route{"POST",   "/v1/nonce",                                   node,                enrolled,  memory,   1 * KiB,   at_once, post_nonce,        "a number for one proof, 60 s"},
  Route{"POST",   "/v1/identity",                                node,                machine,   memory,   64 * KiB, pooled, post_identity,     "the next identity certificate"},
  Route{"GET",    "/v1/document",                                node,                ended_too, none,     0,       at_once, get_document,      "the machine's signed document, or its tombstone; ETag, pollAfter"},
  Route{"DELETE", "/v1/document",                                node,                ended_too, none,     0,       pooled,  delete_document,   "the machine keeps its tombstone: the server may forget it"},
  Route{"GET",    "/v1/peers",                                   node,                machine,   none,     0,       at_once, get_peers,         "the cluster's signed peer list; ETag, pollAfter"},
  Route{"POST",   "/v1/certificates",                            node,                machine,   memory,   256 * KiB, pooled, post_certificates, "certificates that the document lists"},
  Route{"GET",    "/v1/secrets/:name",                           node,                machine,   none,     0,       pooled,  get_secret,        "a secret that the document names"},
  Route{"POST",   "/v1/report",                                  node,                machine,   memory,   256 * KiB, pooled, post_report,      "how it is; answers pollAfter"},
  Route{"POST",   "/v1/etcd/turn",                               node,                machine,   memory,   16 * KiB, pooled, post_etcd_turn,    "may this master's etcd start, and how"},

  // The operator's API.
  Route{"POST",   "/v1/operator/apply",                          api,                 operators, memory,   16 * MiB, pooled, post_apply,        "compile, sign and publish an inventory, or tell what it would change"},
  Route{"GET",    "/v1/operator/revisions",                      api,                 operators, none,     0,       pooled,  get_revisions,     "published revisions of a cluster"},
  Route{"GET",    "/v1/operator/revisions/diff",                 api,                 operators, none,     0,       pooled,  get_revision_diff, "what changed for each machine between two revisions"},
  Route{"GET",    "/v1/operator/site",                           api,                 operators, none,     0,       at_once, get_site,          "the pin and this server's addresses"},
  Route{"POST",   "/v1/operator/revisions/rollback",             api,                 operators, memory,   64 * KiB, pooled, post_rollback,     "publish an older content anew"},
  Route{"POST",   "/v1/operator/clusters",                         api,                 creators,  memory, 64 * KiB, pooled,  post_clusters, "make a cluster from a template, with its machines' user-data"},
  Route{"GET",    "/v1/operator/clusters",                         api,                 creators,  none, 0, pooled,  get_clusters, "clusters that were made on demand"},
  Route{"POST",   "/v1/operator/clusters/:cluster/scale",          api,                 creators,  memory, 1 * KiB, pooled,  post_scale, "more machines of one, with their user-data, or fewer"},
  Route{"POST",   "/v1/operator/clusters/:cluster/extend",         api,                 creators,  memory, 1 * KiB, pooled,  post_extend, "let one live longer"},
  Route{"DELETE", "/v1/operator/clusters/:cluster",                api,                 creators,  memory, 1 * KiB, pooled,  delete_cluster, "end one now, with everything of it; one that is listed by its name in `confirm`"},
  Route{"GET",    "/v1/operator/templates",                        api,                 creators,  none, 0, pooled,  get_templates, "what clusters are made from"},
  Route{"PUT",    "/v1/operator/templates/:name",                  api,                 operators, memory, 16 * MiB, pooled,  put_template, "an inventory as a template"},
  Route{"DELETE", "/v1/operator/templates/:name",                  api,                 operators, memory, 1 * KiB, pooled,  delete_template, "forget a template; its clusters stay"},
  Route{"POST",   "/v1/operator/user-data",                        api,                 operators, memory, 64 * KiB, pooled,  post_user_data, "what a pool's machines are started with, with a new token"},
  Route{"POST",   "/v1/operator/clusters/:cluster/reinitialise", api,                 operators, memory,   1 * KiB, pooled,  post_reinitialise, "the cluster's etcd is gone for good: its masters may start an empty one"},
  Route{"POST",   "/v1/operator/clusters/:cluster/signing",      api,                 operators, memory,   1 * KiB, pooled,  post_signing,      "what is signed away from the server; a new cluster's authorities are made"},
  Route{"GET",    "/v1/operator/site-facts",                     api,                 operators, none,     0,       pooled,  get_site_facts,    "what compile needs besides the inventory"},
  Route{"GET",    "/v1/operator/trust",                          api,                 operators, none,     0,       at_once, get_trust,         "the chain of trust lists"},
  Route{"PUT",    "/v1/operator/trust",                          api,                 operators, memory,   1 * MiB, pooled,  put_trust,         "a trust list that was signed away from the server"},
  Route{"GET",    "/v1/operator/document-keys",                  api,                 operators, none,     0,       pooled,  get_document_keys, "which keys may sign documents"},
  Route{"POST",   "/v1/operator/document-keys",                  api,                 operators, memory,   64 * KiB, pooled, post_document_keys, "let a key sign, within a scope"},
  Route{"DELETE", "/v1/operator/document-keys/:id",              api,                 operators, memory,   1 * KiB, pooled,  delete_document_key, "a key signs no more"},
  Route{"GET",    "/v1/operator/nodes",                          api,                 creators,  none,     0,       pooled,  get_nodes,         "machines with their last report"},
  Route{"GET",    "/v1/operator/nodes/:cluster/:node",           api,                 creators,  none,     0,       pooled,  get_node,          "one machine: identity, report, phases, pending changes"},
  Route{"POST",   "/v1/operator/nodes/:cluster/:node/:order",    api,                 operators, memory,   64 * KiB, pooled, post_node_order,   "converge, replace, drain, undrain, remove, unfreeze, ban, unban, reprovision or wipe-disk"},
  Route{"GET",    "/v1/operator/pending",                        api,                 operators, none,     0,       pooled,  get_pending,       "machines that wait for approval"},
  Route{"GET",    "/v1/operator/enrolment/:name",                api,                 operators, none,     0,       pooled,  get_enrolment,     "why a machine was not let in, or what it is"},
  Route{"POST",   "/v1/operator/approve",                        api,                 operators, memory,   64 * KiB, pooled, post_approve,      "let one in under a name, by its fingerprint"},
  Route{"GET",    "/v1/operator/tokens",                         api,                 operators, none,     0,       pooled,  get_tokens,        "join tokens, without their secret"},
  Route{"POST",   "/v1/operator/tokens",                         api,                 operators, memory,   64 * KiB, pooled, post_tokens,       "a join token, shown once"},
  Route{"DELETE", "/v1/operator/tokens/:id",                     api,                 operators, memory,   1 * KiB, pooled,  delete_token,      "revoke a join token"},
  Route{"PUT",    "/v1/operator/artifacts/:digest",              api,                 operators, artifact, 16 * GiB, pooled, put_artifact,      "bytes into the artifact store, verified"},
  Route{"GET",    "/v1/operator/releases",                       api,                 operators, none,     0,       pooled,  get_releases,      "the catalogue"},
  Route{"POST",   "/v1/operator/releases",                       api,                 operators, memory,   4 * MiB, pooled,  post_releases,     "a release manifest; its artifacts must be there"},
  Route{"POST",   "/v1/operator/releases/prune",                 api,                 operators, memory,   64 * KiB, pooled, post_prune,        "remove releases that no machine runs and no kept revision needs, or tell which"},
  Route{"POST",   "/v1/operator/releases/:name/:version/verify",  api,                 operators, memory,   1 * KiB, pooled,  post_release_check, "read every file of a release: which are missing or damaged"},
  Route{"DELETE", "/v1/operator/releases/:name/:version",        api,                 operators, memory,   1 * KiB, pooled,  delete_release,    "take a release out of the catalogue that nobody needs"},
  Route{"GET",    "/v1/operator/secrets",                        api,                 operators, none,     0,       pooled,  get_secrets,       "names and versions, never values"},
  Route{"PUT",    "/v1/operator/secrets/:cluster/:name",         api,                 operators, memory,   2 * MiB, pooled,  put_secret,        "a new version of a secret"},
  Route{"DELETE", "/v1/operator/secrets/:cluster/:name",         api,                 operators, memory,   1 * KiB, pooled,  delete_secret,     "remove a secret"},
  Route{"GET",    "/v1/operator/audit",                          api,                 operators, none,     0,       pooled,  get_audit,         "who did what: the rows after one, or the newest; of all, or of a machine"},
  Route{"POST",   "/v1/operator/kubeconfig",                     api,                 creators,  memory,   64 * KiB, pooled, post_kubeconfig,   "a short-lived kubeconfig in the caller's name"},
  Route{"GET",    "/v1/operator/operators",                      api,                 operators, none,     0,       pooled,  get_operators,     "operators with a certificate"},
  Route{"POST",   "/v1/operator/operators",                      api,                 operators, memory,   64 * KiB, pooled, post_operators,    "a certificate for an operator"},
  Route{"PUT",    "/v1/operator/operators/:name/limits",         api,                 operators, memory,   64 * KiB, pooled, put_operator_limits, "hold an operator to limits, or to none"},
  Route{"DELETE", "/v1/operator/operators/:name",                api,                 operators, memory,   1 * KiB, pooled,  delete_operator,   "revoke an operator"},
  Route{"GET",    "/v1/operator/clock",                          api,                 operators, none,     0,       at_once, get_clock,         "the server's clock, and whether it is believed"},
  Route{"POST",   "/v1/operator/clock/confirm",                  api,                 operators, memory,   1 * KiB, pooled,  post_clock_confirm, "an operator says that the clock is right"},
  Route{"GET",    "/v1/operator/backup",                         api,                 operators, none,     0,       pooled,  get_backup,        "which backup is kept, and what is in none"},
  Route{"GET",    "/v1/operator/backup/file",                    api,                 operators, none,     0,       pooled,  get_backup_file,   "a backup, made now, encrypted to the recovery key"},
  Route{"PUT",    "/v1/operator/backup",                         api,                 operators, memory,   1 * KiB, pooled,  put_backup,        "the backup that was made last is kept, by its digest"},
  Route{"PUT",    "/v1/operator/backup/key",                     api,                 operators, memory,   64 * KiB, pooled, put_recovery_key,  "to which recovery key backups are encrypted; by the admin socket alone"},
  Route{"GET",    "/v1/operator/restore",                        api,                 operators, none,     0,       pooled,  get_restore,       "what the restore left sealed, and what machines showed since"},
  Route{"POST",   "/v1/operator/restore/:cluster/open",          api,                 operators, memory,   1 * KiB, pooled,  post_restore_open, "a sealed cluster goes on"},
  Route{"GET",    "/v1/operator/status",                         api,                 operators, none,     0,       pooled,  get_status,        "the site at a glance"},

  // Last: it takes every path that is left.
  Route{"GET",    "/*path",                                      boot,                anyone,    none,     0,       at_once, get_ec2_metadata,  "EC2-style metadata of the machine, by its address: `/latest/meta-data/`"},
};
// clang-format on

}  // namespace

std::span<const Route> routes() {
  return table;
}

}  // namespace muster
