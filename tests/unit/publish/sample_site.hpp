// A whole site in memory, with releases, for this room's tests.
#pragma once

#include <doctest/doctest.h>

#include "document/strict_json.hpp"
#include "fakes/scratch_folder.hpp"
#include "pki/signature.hpp"
#include "publish/publish.hpp"
#include "publish/releases.hpp"
#include "records/bans.hpp"
#include "records/due.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

namespace sample {

inline const muster::TimePoint now = std::chrono::system_clock::now();

inline muster::ServerAddresses addresses() {
  return {{"http://10.77.0.1:8080"},
          {"https://10.77.0.1:8443", "https://[fd00::1]:8443"},
          {"https://muster.example:8444"}};
}

inline std::string cluster(const std::string& spec = "", const std::string& name = "lab") {
  return "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: " + name +
         "}\nspec:\n  kubernetesVersion: 1.36.3\n" +
         (spec.find("podCidr") == std::string::npos ? "  podCidr: 10.64.0.0/16\n" : "") +
         "  serviceCidr: 10.96.0.0/16\n" + spec;
}

inline std::string node(const std::string& name, const std::string& role, int address,
                        const std::string& more = "", const std::string& cluster_name = "lab") {
  return fmt::format(
      "---\napiVersion: muster/v1\nkind: Node\nmetadata: {{name: {}}}\n"
      "spec: {{cluster: {}, role: {}, address: 10.77.0.{}{}}}\n",
      name, cluster_name, role, address, more);
}

// One master and one node.
inline std::string small_inventory(const std::string& more = "") {
  return cluster() + node("m1", "master", 11) + node("n1", "node", 21, more);
}

inline muster::Result<muster::PrivateKey> service_account_key() {
  static const auto key = muster::PrivateKey::generate_rsa2048();
  return key;
}

struct Site {
  muster::MemoryStore memory;
  muster::Quarantine quarantine;
  muster::CurrentDocuments current{quarantine};
  muster::Views views{memory, {&current}};
  muster::ViewedStore store{memory, views};
  muster::SealingKey sealing{muster::random_bytes(32)};
  muster::SiteKeys keys = muster::initialise_site(store, sealing, addresses(), now).value();
  muster::PublishContext context{store,
                                 sealing,
                                 keys,
                                 current,
                                 quarantine,
                                 [] { return now; },
                                 muster::later_fields,
                                 {},
                                 service_account_key};

  Site() {
    for (const char* name : {"kubernetes", "etcd", "containerd", "runc", "cni-plugins", "coredns",
                             "pause", "host-tools", "haproxy"})
      add_release(name, std::string(name) == "kubernetes" ? "1.36.3" : "1.0.0");
  }
  Site(const Site&) = delete;

  // As an operator's order leaves it, of the cluster "lab".
  void set_banned(const std::string& node_name, bool is_banned) {
    muster::Transaction transaction;
    if (is_banned)
      muster::put_ban("lab", node_name, {}, {}, transaction);
    else
      REQUIRE(muster::remove_ban(store, "lab", node_name, transaction));
    const std::string why = is_banned ? "ban of " + node_name : node_name + " banned no more";
    REQUIRE(mark_due(store, "lab", why, "operator anna", now, transaction));
    REQUIRE(store.commit(transaction));
  }

  void add_release(const std::string& name, const std::string& version) {
    muster::Release release;
    release.name = name;
    release.version = version;
    release.artifacts = {{"bin/" + name, muster::ArtifactKind::file, "0755",
                          muster::sha256_digest(name + version), 100}};
    muster::Transaction transaction;
    transaction.put(muster::kinds::release, muster::kinds::pair_key(name, version),
                    to_canonical_json(release));
    REQUIRE(store.commit(transaction));
  }

  // What is current, as `muster apply` asks for it.
  [[nodiscard]] muster::PublishRequest request(const std::string& text) const {
    muster::PublishRequest request;
    request.files = {{"site.yaml", text}};
    for (const auto& name : current.clusters())
      request.based_on[name] = current.cluster(name)->revision;
    request.actor = "operator anna";
    return request;
  }
  muster::PublishOutcome publish(const std::string& text) {
    return must(muster::publish(context, request(text)));
  }
  static muster::PublishOutcome must(muster::Published<muster::PublishOutcome> published) {
    if (!published)
      FAIL(published.error().error.message << "\n" << to_text(published.error().problems));
    return std::move(*published);
  }
  [[nodiscard]] muster::NodeDocument document(const std::string& name,
                                              const std::string& cluster_name = "lab") const {
    return muster::read_document(*current.document(cluster_name, name)).value();
  }
};

inline muster::RollbackRequest back_to(const std::string& revision) {
  muster::RollbackRequest request;
  request.cluster = "lab";
  request.revision = revision;
  request.actor = "operator anna";
  return request;
}

}  // namespace sample
