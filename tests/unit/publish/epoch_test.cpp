// What a restore changes in what is published: everything made after it is above everything before.
#include "records/epoch.hpp"

#include "publish/publisher.hpp"
#include "publish/todays_facts.hpp"
#include "records/seal.hpp"
#include "records/secrets.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

constexpr std::uint64_t first_of_epoch = (1ULL << 32) + 1;

void begin_epoch(Site& site, std::uint64_t epoch) {
  Transaction transaction;
  REQUIRE(put_epoch(site.store, epoch, transaction));
  REQUIRE(site.store.commit(transaction));
}

}  // namespace

TEST_CASE("numbers of an epoch are above all of those before, and go on from its own") {
  CHECK(next_number(0, 0) == 1);
  CHECK(next_number(7, 0) == 8);
  CHECK(next_number(7, 1) == first_of_epoch);
  CHECK(next_number(first_of_epoch, 1) == first_of_epoch + 1);
  CHECK(next_number(3ULL << 32, 1) == (3ULL << 32) + 1);
  CHECK(next_number(0xffffffff, highest_epoch) < 1'000'000'000'000);  // the digits of a key
}

TEST_CASE("an epoch only grows, and not without end") {
  Site site;
  begin_epoch(site, 2);
  CHECK(find_epoch(site.store).value() == 2);
  Transaction transaction;
  CHECK(put_epoch(site.store, 2, transaction).error().message ==
        "epoch: expected one above 2, found 2");
  CHECK(put_epoch(site.store, highest_epoch + 1, transaction).error().kind == ErrorKind::exhausted);
}

TEST_CASE("the first publication of an epoch signs everything anew, though nothing changed") {
  Site site;
  site.publish(sample::small_inventory());
  begin_epoch(site, 1);
  SUBCASE("an operator's") {
    site.publish(sample::small_inventory());
  }
  SUBCASE("the server's own") {
    site.set_banned("n1", false);
    Site::must(republish(site.context, "lab", "server"));
  }
  CHECK(site.document("m1").generation == first_of_epoch);
  CHECK(site.document("n1").generation == first_of_epoch);
  CHECK(site.current.peers("lab")->generation == first_of_epoch);
  site.publish(sample::small_inventory(", labels: {a: b}"));
  CHECK(site.document("m1").generation == first_of_epoch);
  CHECK(site.document("n1").generation == first_of_epoch + 1);
  Site::must(roll_back(site.context, sample::back_to("1")));
  CHECK(site.current.cluster("lab")->revision_number == first_of_epoch + 2);
}

TEST_CASE("who signs away from the server is told a number of the epoch") {
  Site site;
  site.publish(sample::small_inventory());
  begin_epoch(site, 1);
  CHECK(prepare_signing(site.context, "lab", "operator anna")->generation == first_of_epoch);
}

TEST_CASE("a secret that is set in an epoch is newer than all that machines hold") {
  Site site;
  const auto set = [&](std::string_view value) {
    return set_secret(site.store, site.sealing, "lab", "password", value, "operator anna",
                      sample::now)
        .value();
  };
  CHECK(set("one") == 1);
  CHECK(set("one") == 1);
  begin_epoch(site, 1);
  CHECK(set("one") == first_of_epoch);  // they may hold a later value as version 2
  CHECK(set("one") == first_of_epoch);
  CHECK(get_secret(site.store, site.sealing, "lab", "password", first_of_epoch).value() == "one");
}

TEST_CASE("the trust list is of the site's epoch, unless a cluster is sealed") {
  Site site;
  begin_epoch(site, 1);
  Transaction seal, unseal;
  seal_cluster("lab", {1}, seal);
  REQUIRE(site.store.commit(seal));
  CHECK(open_site(site.store, site.sealing, sample::addresses())->trust()->list.version == 1);
  unseal.remove(kinds::sealed, "lab");
  REQUIRE(site.store.commit(unseal));
  CHECK(open_site(site.store, site.sealing, sample::addresses())->trust()->list.version ==
        first_of_epoch);
  CHECK(open_site(site.store, site.sealing, sample::addresses())->trust()->list.version ==
        first_of_epoch);
}

TEST_CASE("nothing is published for a sealed cluster by itself, and an operator may") {
  Site site;
  site.publish(sample::small_inventory());
  site.set_banned("n1", true);
  Transaction seal;
  seal_cluster("lab", {1}, seal);
  REQUIRE(site.store.commit(seal));
  Publisher publisher(site.context);
  const auto refused = publisher.settle("lab", std::chrono::milliseconds(0));
  REQUIRE_FALSE(refused);
  CHECK(
      refused.error().message.find(
          "cluster 'lab': sealed since its server was restored: see `muster restore status`, then `muster restore open lab`") !=
      std::string::npos);
  CHECK(site.document("m1").config.banned_machines.empty());
  site.publish(sample::small_inventory(", labels: {a: b}"));
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
}
