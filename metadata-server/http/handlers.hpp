// Every handler of the routes table, by the file that holds it. Each parses, asks a room and
// renders.
#pragma once

#include "http/routes.hpp"

namespace muster::handlers {

// artifact_handlers.cpp
[[nodiscard]] Result<Response> get_artifact(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_artifact(const Rooms&, const Caller&, const Request&);

// boot_handlers.cpp
[[nodiscard]] Result<Response> get_nocloud_seed(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_metadata_token(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_ec2_metadata(const Rooms&, const Caller&, const Request&);

// boot_handlers.cpp: whoever boots a machine sees no body of an answer; `muster explain enrolment`
// shows the note. `node`: "lab/n1", or empty where nobody is known.
void note_refusal(const Rooms& rooms, const Request& request, std::string asked, std::string node,
                  const Error& error);

// netboot_handlers.cpp
[[nodiscard]] Result<Response> get_chain_script(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_boot_script(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_machine_archive(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_boot_failure(const Rooms&, const Caller&, const Request&);

// enrol_handlers.cpp
[[nodiscard]] Result<Response> get_trust(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_nonce(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_enrol(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_recover(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_identity(const Rooms&, const Caller&, const Request&);

// machine_handlers.cpp
[[nodiscard]] Result<Response> get_document(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_peers(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_certificates(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_secret(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_report(const Rooms&, const Caller&, const Request&);

// tombstone_handlers.cpp
[[nodiscard]] Result<Response> delete_document(const Rooms&, const Caller&, const Request&);

// clock_handlers.cpp
[[nodiscard]] Result<Response> get_clock(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_clock_confirm(const Rooms&, const Caller&, const Request&);

// backup_handlers.cpp
[[nodiscard]] Result<Response> get_backup(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_backup_file(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_backup(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_recovery_key(const Rooms&, const Caller&, const Request&);

// restore_handlers.cpp
[[nodiscard]] Result<Response> get_restore(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_restore_open(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_held(const Rooms&, const Caller&, const Request&);

// etcd_handlers.cpp
[[nodiscard]] Result<Response> post_etcd_turn(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_reinitialise(const Rooms&, const Caller&, const Request&);

// revision_handlers.cpp
[[nodiscard]] Result<Response> post_apply(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_revisions(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_rollback(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_revision_diff(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_site_facts(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_signing(const Rooms&, const Caller&, const Request&);

// document_key_handlers.cpp
[[nodiscard]] Result<Response> get_document_keys(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_document_keys(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_document_key(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_trust(const Rooms&, const Caller&, const Request&);

// node_handlers.cpp
[[nodiscard]] Result<Response> get_nodes(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_node(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_node_order(const Rooms&, const Caller&, const Request&);

// admission_handlers.cpp
[[nodiscard]] Result<Response> get_enrolment(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_pending(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_approve(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_tokens(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_tokens(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_token(const Rooms&, const Caller&, const Request&);

// on_demand_handlers.cpp
[[nodiscard]] Result<Response> post_clusters(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_clusters(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_scale(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_extend(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_cluster(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_user_data(const Rooms&, const Caller&, const Request&);

// template_handlers.cpp
[[nodiscard]] Result<Response> get_templates(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_template(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_template(const Rooms&, const Caller&, const Request&);

// release_handlers.cpp
[[nodiscard]] Result<Response> get_releases(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_releases(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_release_check(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_release(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_prune(const Rooms&, const Caller&, const Request&);

// secret_handlers.cpp
[[nodiscard]] Result<Response> get_secrets(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_secret(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_secret(const Rooms&, const Caller&, const Request&);

// operator_handlers.cpp, kubeconfig_handlers.cpp
[[nodiscard]] Result<Response> get_operators(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_operators(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> put_operator_limits(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> delete_operator(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> post_kubeconfig(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_audit(const Rooms&, const Caller&, const Request&);

// status_handlers.cpp
[[nodiscard]] Result<Response> get_healthz(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_readyz(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_metrics(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_site(const Rooms&, const Caller&, const Request&);
[[nodiscard]] Result<Response> get_status(const Rooms&, const Caller&, const Request&);

}  // namespace muster::handlers
