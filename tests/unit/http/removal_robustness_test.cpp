// What keeps no tick from going on: a server that may not sign, and what older servers let in.
#include <limits>

#include "backup/restore.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"
#include "fleet/scheduler.hpp"
#include "sample_pool.hpp"
#include "trust/site_record.hpp"

using namespace muster;
using sample::PoolHouse;

namespace {

// What the trust list vouches for from now on; answers what it did before.
std::vector<DocumentKey> vouch_for(PoolHouse& house, std::vector<DocumentKey> keys) {
  const auto site = find_site(house.store).value();
  TrustList list = load_trust(house.store)->list;
  ++list.version;
  std::swap(list.document_keys, keys);
  Transaction transaction;
  REQUIRE(put_trust_list(site, sign_trust_list(house.store, house.site.sealing, site, list).value(),
                         transaction));
  REQUIRE(house.store.commit(transaction));
  return keys;
}

}  // namespace

TEST_CASE("where this server may not sign, who was drained is removed and the tick goes on") {
  PoolHouse house;
  house.start(2);
  REQUIRE(house.order("w-1", "remove").status == 200);
  REQUIRE(house.order("w-2", "drain", {{"timeoutSeconds", 60}}).status == 200);
  const nlohmann::json done = {{"node", "w-1"}, {"done", true}, {"message", ""}};
  house.report("m-1", house.duties({done}));
  const auto other = PrivateKey::generate_ed25519().value().public_key();
  auto before = vouch_for(house, {{other.pem(), "cluster/lab"}});
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(find_member(house.store, "lab", "w-1").value()->record.removed_at != 0);
  house.time += std::chrono::seconds(61);
  REQUIRE(finish_drains(house.rooms));
  REQUIRE(house.publisher.look());
  CHECK(house.drain_of("w-2") == "evict");
  VanishWatch watch;
  house.time += std::chrono::hours(1);
  house.report("m-1");
  REQUIRE(watch.look(house.rooms));
  REQUIRE(house.publisher.look());
  vouch_for(house, std::move(before));
  REQUIRE(house.publisher.settle("lab"));
  CHECK(house.drain_of("w-2") == "cordon");
  CHECK_FALSE(house.is_served("w-1"));
}

TEST_CASE("a pool's master does not end by a ttl that an older server let in") {
  PoolHouse house;
  house.start(1);
  house.admit("m-2", Role::follower, 2);
  // As servers before 0.3 admitted them.
  const std::int64_t ends_at = unix_seconds(house.time) + 3600;
  for (const char* node : {"m-1", "m-2"}) {
    auto found = find_member(house.store, "lab", node).value().value();
    found.record.ends_at = ends_at;
    Transaction transaction;
    put_member(found, transaction);
    put_scheduled({ends_at, std::string(scheduled::member), fmt::format("lab/{}", node), {}},
                  transaction);
    REQUIRE(house.store.commit(transaction));
  }
  house.time += std::chrono::hours(2);
  Scheduler scheduler(house.rooms, std::chrono::minutes(15), [](const OnDemandCluster&) {});
  REQUIRE(scheduler.carry_out_due());
  for (const char* node : {"m-1", "m-2"}) {
    CHECK(house.is_served(node));
    CHECK(find_member(house.store, "lab", node).value()->record.ends_at == 0);
  }
  const auto left = list_due(house.store, std::numeric_limits<std::int64_t>::max(), 10);
  REQUIRE(left);
  CHECK(left->empty());
  CHECK(house.ask("GET", "/v1/operator/audit?limit=1000").body.dump().find("member-stays") !=
        std::string::npos);
}

TEST_CASE("where an older server let the master end, the oldest follower is the master") {
  PoolHouse house;
  house.start(1);
  house.admit("m-2", Role::follower, 2);
  Transaction transaction;
  retire_member(find_member(house.store, "lab", "m-1").value().value(), unix_seconds(house.time),
                transaction);
  forget_machine({"lab", "m-1"}, transaction);
  REQUIRE(house.store.commit(transaction));
  house.admit("m-3", Role::follower, 3);
  const auto role_of = [&](const std::string& node) {
    return read_document(*house.current.document("lab", node))->role.role;
  };
  CHECK_FALSE(house.is_served("m-1"));
  CHECK(role_of("m-2") == Role::master);
  CHECK(role_of("m-3") == Role::follower);
}

TEST_CASE("a member is removed while its cluster is sealed, and is out when that is opened") {
  PoolHouse house;
  REQUIRE(house.views.load());
  house.start(2);
  REQUIRE(begin_anew(house.store, house.folder.path("mark"),
                     KeptBackup{1, unix_seconds(house.time), "", ""}, house.time));
  const auto removed = house.order("w-1", "remove", {{"drain", false}});
  REQUIRE_MESSAGE(removed.status == 200, removed.body.dump());
  CHECK(removed.body.at("unpublished").at("kind") == "sealed");
  CHECK(
      removed.body.at("unpublished").at("message") ==
      "lab/w-1: this server holds to the removal; its masters' API servers do not know of it yet: cluster 'lab': sealed since its server was restored: see `muster restore status`, then `muster restore open lab`");
  CHECK(house.state("w-1") == "leaving");
  CHECK(house.is_served("w-1"));
  // What is drained first goes on when its masters are heard again.
  CHECK(house.order("w-2", "remove").body.at("draining") == true);
  REQUIRE(house.ask("POST", "/v1/operator/restore/lab/open", {{"unheard", true}}).status == 200);
  CHECK_FALSE(house.is_served("w-1"));
  CHECK(house.is_served("w-2"));
  CHECK(house.state("w-1") == "leaving");
}
