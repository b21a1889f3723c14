// A cluster that is deleted, and made anew, while another call publishes it.
#include "fakes/hooked_store.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

// What the end of a cluster leaves of what is served.
void delete_lab(Site& site) {
  Transaction transaction;
  for (const auto kind : {kinds::cluster, kinds::peers}) transaction.remove(kind, "lab");
  for (const auto kind : {kinds::document, kinds::revision, kinds::publication, kinds::authority}) {
    const auto records = site.store.list(kind, "lab/").value();
    for (const auto& record : records) transaction.remove(kind, record.key);
  }
  REQUIRE(site.store.commit(transaction));
}

}  // namespace

TEST_CASE("a cluster that is deleted while it is published is not served from memory again") {
  Site site;
  site.publish(sample::small_inventory());
  HookedStore hooked(site.store);
  const PublishContext context{hooked,       site.sealing,    site.keys,
                               site.current, site.quarantine, site.context.now};
  hooked.after_commit = [&] { delete_lab(site); };
  Site::must(publish(context, site.request(sample::small_inventory(", labels: {a: b}"))));
  CHECK(site.current.clusters().empty());
  // And one of that name can be made.
  site.publish(sample::small_inventory());
  CHECK(site.document("m1").generation == 1);
}

TEST_CASE("one that is made anew meanwhile is served as it is") {
  Site site;
  site.publish(sample::small_inventory());
  HookedStore hooked(site.store);
  const PublishContext context{hooked,       site.sealing,    site.keys,
                               site.current, site.quarantine, site.context.now};
  std::string body;
  hooked.after_commit = [&] {
    delete_lab(site);
    site.publish(sample::small_inventory(", labels: {a: c}"));
    body = site.current.document("lab", "n1")->body;
  };
  Site::must(publish(context, site.request(sample::small_inventory(", labels: {a: b}"))));
  CHECK(site.current.cluster("lab")->revision_number == 1);
  CHECK(site.current.document("lab", "n1")->body == body);
}
