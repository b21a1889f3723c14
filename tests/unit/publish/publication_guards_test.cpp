// Who removes a release or a secret while somebody publishes with it: one of the two wins.
#include "publish/publication_guards.hpp"

#include "fakes/hooked_store.hpp"
#include "publish/secret_removal.hpp"
#include "records/secrets.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

constexpr auto with_secret = ", overrides: {files: [{path: /etc/db, content: {secretRef: db}}]}";
constexpr auto with_old_runc = "  releases: {runc: 1.0.0}\n";

// Everything in it goes through a hook.
struct Hooked : Site {
  HookedStore hooked{store};
  PublishContext through{hooked,       sealing,    keys,
                         current,      quarantine, context.now,
                         later_fields, {},         sample::service_account_key};

  Published<PublishOutcome> publish_through(const std::string& text) {
    return muster::publish(through, request(text));
  }
  Result<void> remove_the_secret(Store& where) {
    return remove_secret(where, "lab", "db", "operator bert", sample::now);
  }
  // As prune does it.
  Result<void> remove_the_release(Store& where) {
    Transaction transaction;
    if (auto alone = expect_no_publication(where, transaction); !alone) return alone;
    transaction.remove(kinds::release, "runc/1.0.0");
    if (auto done = where.commit(transaction); !done) return pass(done.error());
    return {};
  }
};

std::string inventory_with_runc() {
  return sample::cluster(with_old_runc) + sample::node("m1", "master", 11);
}

// It was tried again on what is there now.
std::string problems_told(const Published<PublishOutcome>& published) {
  REQUIRE_FALSE(published);
  CHECK(published.error().error.kind == ErrorKind::invalid);
  return to_text(published.error().problems);
}

}  // namespace

TEST_CASE("a secret that is removed while an apply compiles: the apply is refused") {
  Hooked site;
  REQUIRE(set_secret(site.store, site.sealing, "lab", "db", "x", "operator anna", sample::now));
  site.publish(sample::small_inventory());
  site.hooked.before_commit = [&] { REQUIRE(site.remove_the_secret(site.store)); };
  const std::string told =
      problems_told(site.publish_through(sample::small_inventory(with_secret)));
  CHECK_MESSAGE(
      told.find(
          "secretRef: expected the name of a secret of this cluster, found 'db'; set it with 'muster secret set db --cluster CLUSTER'") !=
          std::string::npos,
      told);
  CHECK(site.document("n1").config.secrets.empty());
}

TEST_CASE("an apply that is published while its secret is being removed: the secret stays") {
  Hooked site;
  REQUIRE(set_secret(site.store, site.sealing, "lab", "db", "x", "operator anna", sample::now));
  site.publish(sample::small_inventory());
  site.hooked.before_commit = [&] { site.publish(sample::small_inventory(with_secret)); };
  const auto removed = site.remove_the_secret(site.hooked);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().kind == ErrorKind::conflict);
  CHECK_MESSAGE(
      removed.error().message.find("it was not removed. Remove it again.") != std::string::npos,
      removed.error().message);
  CHECK(get_secret(site.store, site.sealing, "lab", "db", 1).value() == "x");
}

TEST_CASE("a release that is pruned while an apply compiles: the apply is refused") {
  Hooked site;
  site.add_release("runc", "2.0.0");
  site.hooked.before_commit = [&] { REQUIRE(site.remove_the_release(site.store)); };
  const std::string told = problems_told(site.publish_through(inventory_with_runc()));
  CHECK_MESSAGE(
      told.find(
          "expected a version of runc in the server's catalogue (2.0.0), found '1.0.0'; import it with 'muster release import'") !=
          std::string::npos,
      told);
  CHECK(site.current.clusters().empty());
  CHECK_FALSE(site.store.get(kinds::document, "lab/m1"));
}

TEST_CASE("a cluster that is published, for the first time too, while prune looks: nothing goes") {
  for (const bool is_first : {true, false}) {
    CAPTURE(is_first);
    Hooked site;
    site.add_release("runc", "2.0.0");
    if (!is_first) site.publish(sample::cluster() + sample::node("m1", "master", 11));
    site.hooked.before_commit = [&] { site.publish(inventory_with_runc()); };
    const auto removed = site.remove_the_release(site.hooked);
    REQUIRE_FALSE(removed);
    CHECK(removed.error().kind == ErrorKind::conflict);
    CHECK(site.store.get(kinds::release, "runc/1.0.0"));
  }
}

TEST_CASE("what is gone before the look is named with its cure") {
  Hooked site;
  NamedContent named;
  named.releases[{"runc", "9"}] = "sha256:x";
  named.secrets.insert({"db", 2});
  Transaction transaction;
  CHECK(
      expect_available(site.store, "lab", "the inventory", named, transaction).error().message ==
      "cluster 'lab': the inventory needs what is not there any more:\nrelease runc 9: import it again\nsecret 'db' version 2: it was removed; set it again with `muster secret set db --cluster lab`, then repeat this: the new value is taken");
}
