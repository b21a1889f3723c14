// Documents that are signed away from the server: what it publishes, and what it refuses.
#include "document/peer_list.hpp"
#include "inventory/compile.hpp"
#include "publish/todays_facts.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"
#include "trust/document_key_changes.hpp"

using namespace muster;
using sample::Site;

namespace {

struct Signer {
  PrivateKey key = PrivateKey::generate_ed25519().value();
  [[nodiscard]] std::string id() const { return key.public_key().fingerprint(); }
};

void trust(Site& site, const Signer& signer, const std::string& scope = "site") {
  const auto added =
      add_document_key({site.store, site.sealing, site.keys, "operator anna", sample::now},
                       {signer.key.public_key().pem(), scope});
  REQUIRE_MESSAGE(added, added.error().message);
}

Result<void> revoke(Site& site, const std::string& id) {
  return revoke_document_key({site.store, site.sealing, site.keys, "operator anna", sample::now},
                             id);
}

// What `muster apply --document-key` does with the facts that it was given.
PublishRequest signed_request(Site& site, const std::string& text, const Signer& signer) {
  PublishRequest request = site.request(text);
  const auto [facts, generation] = prepare_signing(site.context, "lab", "operator anna").value();
  auto compiled = compile(load(request.files).value(), "lab", facts).value();
  ClusterSignatures signatures{signer.id(), {}, {}};
  for (auto& document : compiled.documents) {
    document.generation = generation;
    signatures.documents[document.role.node] =
        sign_detached(node_document_type, to_canonical_json(document), signer.key).value();
  }
  compiled.peers.generation = generation;
  signatures.peers =
      sign_detached(peer_list_type, to_canonical_json(compiled.peers), signer.key).value();
  request.signatures["lab"] = signatures;
  return request;
}

std::string refusal(const Published<PublishOutcome>& published, ErrorKind kind) {
  REQUIRE_FALSE(published);
  CHECK(published.error().error.kind == kind);
  return published.error().error.message;
}

const std::string cure =
    ". What was signed is not what this server compiles: it learned something since (a release, a secret, a ban), or `muster` is of another version. Nothing was published; run `muster apply` again";

// Every envelope that the cluster is served, verified as a machine does.
std::string verified(const Site& site) {
  const auto check = [&](const std::string& body, std::string_view type) {
    const auto envelope = parse_envelope(body).value();
    const auto key = find_document_key(site.keys.trust()->list, envelope.key_id, "lab");
    if (!key) return key.error().message;
    const auto sound = verify_envelope(envelope, type, *key);
    return sound ? std::string() : sound.error().message;
  };
  const auto cluster = site.current.cluster("lab");
  std::string text = check(cluster->peers->body, peer_list_type);
  for (const auto& [node, answer] : cluster->documents)
    text += check(answer->body, node_document_type);
  return text;
}

std::string signer_of_document(const Site& site, const std::string& node) {
  return parse_envelope(site.current.document("lab", node)->body)->key_id;
}

}  // namespace

TEST_CASE("a new cluster is signed away from the server, which never signs") {
  Site site;
  const Signer anna;
  trust(site, anna);
  REQUIRE(revoke(site, site.keys.document_key_id()));
  const auto outcome =
      Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  CHECK(outcome.changes.size() == 2);
  CHECK(verified(site).empty());
  CHECK(signer_of_document(site, "m1") == anna.id());
  CHECK(site.document("m1").generation == 1);
  CHECK(find_cluster(site.store, "lab")->record.document_key == anna.id());
  std::string told;
  const auto rows = list_audit(site.store, "", 10).value();
  for (const auto& row : rows) {
    if (row.action == "published") told = row.detail;
  }
  CHECK(told == fmt::format("revision 1 {}: 2 added, 0 changed, 0 removed, signed by {}",
                            outcome.revisions.at("lab"), anna.id()));
  // Again: nothing to do.
  Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  CHECK(find_cluster(site.store, "lab")->record.revision_number == 1);
  // A change of one machine: the other's document stays as it was signed.
  const auto master = site.current.document("lab", "m1")->body;
  Site::must(publish(site.context,
                     signed_request(site, sample::small_inventory(", labels: {a: b}"), anna)));
  CHECK(site.document("n1").generation == 2);
  CHECK(site.current.document("lab", "m1")->body == master);
  CHECK(verified(site).empty());
}

TEST_CASE("another signer signs everything anew; then the first may be revoked") {
  Site site;
  const auto first = site.publish(sample::small_inventory());
  const Signer anna;
  trust(site, anna);
  const std::string server = site.keys.document_key_id();
  CHECK(
      revoke(site, server).error().message ==
      "machines are served what these keys signed, and would refuse it. Publish with another key first: muster apply DIR --document-key FILE (without it this server's own key signs):\n"
      "cluster 'lab': document key " +
          server);
  const auto outcome =
      Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  CHECK(outcome.revisions == first.revisions);
  CHECK(outcome.changes[0].kind == MachineChange::Kind::unchanged);
  CHECK(signer_of_document(site, "m1") == anna.id());
  CHECK(signer_of_document(site, "n1") == anna.id());
  // A generation more, so that machines take it while the first key is still good.
  CHECK(site.document("n1").generation == 2);
  REQUIRE(revoke(site, server));
  CHECK(verified(site).empty());
  CHECK(site.keys.trust()->list.version == 3);
  // And back.
  trust(site, Signer{site.keys.document_key()});
  site.publish(sample::small_inventory());
  CHECK(signer_of_document(site, "m1") == server);
  CHECK(site.document("m1").generation == 3);
}

TEST_CASE("a server that may not sign keeps what is served in force") {
  Site site;
  const Signer anna;
  trust(site, anna, "cluster/lab");
  REQUIRE(revoke(site, site.keys.document_key_id()));
  Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  const auto before = site.current.document("lab", "m1")->body;
  const std::string told =
      "cluster 'lab': this server may not sign for it. Sign with a key that may (`muster document-key list`): muster apply DIR --document-key FILE";
  const auto changed = site.request(sample::small_inventory(", labels: {a: b}"));
  CHECK(refusal(publish(site.context, changed), ErrorKind::conflict) == told);
  site.set_banned("n1", true);
  CHECK(refusal(republish(site.context, "lab", "operator anna"), ErrorKind::conflict) == told);
  RollbackRequest back;
  back.cluster = "lab";
  back.revision = "1";
  CHECK(refusal(roll_back(site.context, back), ErrorKind::conflict) == told);
  CHECK(site.current.document("lab", "m1")->body == before);
  CHECK(find_cluster(site.store, "lab")->record.revision_number == 1);
  // What changes nothing needs no signature, and a diff none either.
  site.set_banned("n1", false);
  CHECK(publish(site.context, site.request(sample::small_inventory())));
  auto dry = changed;
  dry.dry_run = true;
  CHECK(Site::must(publish(site.context, dry)).changes[1].kind == MachineChange::Kind::changed);
  // The ban, signed.
  site.set_banned("n1", true);
  Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
}

TEST_CASE("stale facts, forged signatures and keys without a scope publish nothing") {
  Site site;
  const Signer anna, mallory;
  trust(site, anna, "cluster/lab");
  const std::string text = sample::small_inventory();
  CHECK(
      refusal(publish(site.context, signed_request(site, text, mallory)), ErrorKind::forbidden) ==
      "cluster 'lab': document key '" + mallory.id() +
          "': the site key does not vouch for it (trust list version 2). `muster document-key list` shows which keys may sign; `muster document-key add` makes it one of them");
  trust(site, mallory, "cluster/prod");
  CHECK(
      refusal(publish(site.context, signed_request(site, text, mallory)), ErrorKind::forbidden) ==
      "cluster 'lab': document key '" + mallory.id() +
          "': its scope does not cover the cluster 'lab' (trust list version 3). `muster document-key list` shows which keys may sign; `muster document-key add` makes it one of them");
  auto forged = signed_request(site, text, mallory);
  forged.signatures["lab"].key_id = anna.id();
  CHECK(refusal(publish(site.context, forged), ErrorKind::forbidden) ==
        "machine 'lab/m1': envelope: the signature by " + anna.id() +
            " does not verify: payload or signature was altered");
  // Another inventory than the one that goes with it.
  auto smuggled = signed_request(site, sample::small_inventory(", labels: {a: b}"), anna);
  smuggled.files = site.request(text).files;
  const auto other = smuggled.signatures["lab"].documents["n1"].digest;
  const std::string message = refusal(publish(site.context, smuggled), ErrorKind::conflict);
  CHECK(message.starts_with("machine 'lab/n1': expected a signature over sha256:"));
  CHECK(message.ends_with(", found one over '" + other + "'" + cure));
  // A release that arrived after the facts were fetched.
  const auto stale = signed_request(site, text, anna);
  site.add_release("runc", "2.0.0");
  CHECK(refusal(publish(site.context, stale), ErrorKind::conflict).ends_with(cure));
  auto partly = signed_request(site, text, anna);
  partly.signatures["lab"].documents.erase("n1");
  CHECK(refusal(publish(site.context, partly), ErrorKind::conflict) ==
        "machine 'lab/n1': found no signature" + cure);
  auto none = signed_request(site, text, anna);
  none.signatures["other"] = none.signatures.extract("lab").mapped();
  CHECK(refusal(publish(site.context, none), ErrorKind::invalid) ==
        "signatures: expected those of cluster 'lab', found none");
  CHECK(site.current.clusters().empty());
  CHECK(site.store.count(kinds::cluster).value() == 0);
  Site::must(publish(site.context, signed_request(site, text, anna)));
}

TEST_CASE("a signature of an earlier generation is not taken for the next") {
  Site site;
  const Signer anna;
  trust(site, anna);
  Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  const auto old = signed_request(site, sample::small_inventory(", labels: {a: b}"), anna);
  Site::must(publish(site.context, old));
  Site::must(publish(site.context, signed_request(site, sample::small_inventory(), anna)));
  auto replayed = old;
  replayed.based_on = site.request("").based_on;
  CHECK(refusal(publish(site.context, replayed), ErrorKind::conflict).ends_with(cure));
}

TEST_CASE("facts for signing make a new cluster's authorities once") {
  Site site;
  const auto first = prepare_signing(site.context, "lab", "operator anna");
  REQUIRE(first);
  CHECK(first->generation == 1);
  CHECK(first->facts.authorities.size() == 3);
  CHECK(first->facts.secrets.size() == 2);
  CHECK(site.store.count(kinds::authority).value() == 5);
  CHECK(to_json(prepare_signing(site.context, "lab", "operator anna")->facts) ==
        to_json(first->facts));
  CHECK(list_audit(site.store, "", 10)->size() == 2);
  CHECK(prepare_signing(site.context, "../x", "operator anna").error().message ==
        "cluster: expected a name such as 'lab', found '../x'");
}
