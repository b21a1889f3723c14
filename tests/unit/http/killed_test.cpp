// Kill -9 after any commit of an operation: what was decided is published by the next start, what
// was not decided never was, and status says which it is.
#include "document/peer_list.hpp"
#include "document/signed_document.hpp"
#include "fleet/machine_removal.hpp"
#include "fleet/scheduler.hpp"
#include "records/all_records.hpp"
#include "records/bans.hpp"
#include "records/due.hpp"
#include "sample_pool.hpp"

using namespace muster;
using namespace std::chrono_literals;
using sample::PoolHouse;

namespace {

// A server that is killed and started again on its store.
struct Mortal : PoolHouse {
  void start_again() {
    hooked.commits_left = std::numeric_limits<std::size_t>::max();
    REQUIRE(views.load());
  }
  nlohmann::json status_of(const std::string& cluster) {
    const auto answer = ask("GET", "/v1/operator/status");
    for (const auto& row : answer.body.at("clusters"))
      if (row.at("cluster") == cluster) return row;
    return nullptr;
  }
  std::vector<std::string> banned_by_masters() {
    return read_document(*current.document("lab", "m-1"))->config.banned_machines;
  }
  // What is decided is due, status says so, and the loop publishes it.
  void settle_all() {
    const auto due = all_due(store).value();
    for (const DueMark& mark : due) {
      const auto row = status_of(mark.cluster);
      if (row.is_null()) continue;
      CHECK(row.at("due").at("why") == mark.why);
    }
    for (const DueMark& mark : due) REQUIRE(publisher.settle(mark.cluster));
    CHECK(all_due(store)->empty());
    for (const auto& name : current.clusters()) CHECK(status_of(name).at("due") == nullptr);
  }
};

// `order` dies after its first, second, ... commit, until one goes through; then comes the next
// start, and `check`.
template <class Order, class Check>
void at_every_commit(Order order, Check check) {
  for (std::size_t last = 0;; ++last) {
    CAPTURE(last);
    Mortal house;
    house.start(2);
    const std::size_t before = house.hooked.commits;
    house.hooked.commits_left = last;
    order(house);
    const std::size_t took = house.hooked.commits - before;
    house.start_again();
    house.settle_all();
    check(house, last);
    if (took < last) {
      CHECK(took > 0);
      return;
    }
    REQUIRE(last < 50);
  }
}

}  // namespace

TEST_CASE(
    "a ban that is killed at any commit: held to by the store and the API servers, or by none") {
  at_every_commit(
      [](Mortal& house) {
        house.order("w-1", "ban", {{"reason", "stolen"}});
      },
      [](Mortal& house, std::size_t commits) {
        const auto banned = banned_machines(house.store, "lab").value();
        CHECK(house.banned_by_masters() == banned);
        CHECK(banned.size() == (commits == 0 ? 0 : 1));
      });
}

TEST_CASE("an unban, a drain and a removal that are killed at any commit") {
  at_every_commit(
      [](Mortal& house) {
        const auto left = house.hooked.commits_left.exchange(1000);
        REQUIRE(house.order("w-1", "ban").status == 200);
        house.hooked.commits_left = left;
        house.order("w-1", "unban");
      },
      [](Mortal& house, std::size_t) {
        CHECK(house.banned_by_masters() == banned_machines(house.store, "lab").value());
      });
  at_every_commit([](Mortal& house) { house.order("w-1", "drain"); },
                  [](Mortal& house, std::size_t) {
                    const bool is_ordered = house.store.get(kinds::drain, "lab/w-1").has_value();
                    const auto envelope = parse_envelope(house.current.peers("lab")->body);
                    const auto peers = parse_peer_list(envelope->payload);
                    CHECK((peers->peers[1].drain == Drain::evict) == is_ordered);
                  });
  at_every_commit(
      [](Mortal& house) {
        house.order("w-1", "remove", {{"drain", false}});
      },
      [](Mortal& house, std::size_t commits) { CHECK(house.is_served("w-1") == (commits == 0)); });
}

TEST_CASE(
    "members that expire together, killed at any commit: gone from the documents, as decided") {
  const auto expire = [](Mortal& house) {
    Scheduler scheduler(house.rooms, 15min, [](const OnDemandCluster&) {});
    static_cast<void>(scheduler.carry_out_due());
  };
  for (std::size_t last = 0; last < 4; ++last) {
    CAPTURE(last);
    Mortal house;
    house.apply(sample::cluster("  nodeCidr: 10.77.0.0/16\n") + sample::pool("m", "master") +
                    sample::pool("w", "node", ", ttl: 1h"),
                true);
    house.admit("m-1", Role::master, 1);
    for (int i = 1; i <= 2; ++i) {
      Transaction transaction;
      const std::string name = fmt::format("w-{}", i);
      const std::int64_t now = unix_seconds(house.time);
      add_member({"lab", name, "w", Role::node, fmt::format("10.77.1.{}", 10 + i), "sha256:" + name,
                  now, 0, now + 3600},
                 transaction);
      REQUIRE(mark_due(house.store, "lab", "admitted " + name, "member", house.time, transaction));
      REQUIRE(house.store.commit(transaction));
    }
    REQUIRE(house.publisher.look());
    REQUIRE(house.is_served("w-2"));
    house.time += 2h;
    house.hooked.commits_left = last;
    const std::uint64_t revision = house.current.cluster("lab")->revision_number;
    expire(house);
    house.start_again();
    house.settle_all();
    for (const char* name : {"w-1", "w-2"}) {
      const auto member = find_member(house.store, "lab", name).value();
      CHECK(house.is_served(name) == (member && member->record.removed_at == 0));
    }
    // However many went, it is one publication.
    CHECK(house.current.cluster("lab")->revision_number == revision + (last > 0 ? 1 : 0));
  }
}

namespace {

struct Templates : Mortal {
  Templates() {
    const std::string text = sample::small_template();
    REQUIRE(ask("PUT", "/v1/operator/templates/small", {{"files", {{"s.yaml", text}}}}).status ==
            200);
  }
  sample::Answer create() {
    return ask("POST", "/v1/operator/clusters",
               {{"name", "ci"}, {"template", "small"}, {"masters", 3}, {"nodes", 2}});
  }
  std::uint64_t places() {
    std::uint64_t places = 0;
    const auto records = all_records(store, kinds::token).value();
    for (const auto& record : records)
      places += nlohmann::json::parse(record.value).at("remaining").get<std::uint64_t>();
    return places;
  }
};

}  // namespace

TEST_CASE(
    "cluster create that is killed at any commit: whole with its tokens, or not there at all") {
  for (std::size_t last = 0; last < 4; ++last) {
    CAPTURE(last);
    Templates house;
    house.hooked.commits_left = last;
    house.create();
    house.start_again();
    house.settle_all();
    const bool is_there = house.store.get(kinds::on_demand, "ci").has_value();
    CHECK(is_there == (last > 0));
    CHECK(house.places() == (is_there ? 5 : 0));
    CHECK(house.current.clusters().size() == (is_there ? 2 : 1));
    if (!is_there) CHECK(house.create().status == 200);
    CHECK(house.places() == 5);
  }
}

TEST_CASE("scale that is killed at any commit: as many places as nodes, whoever asks again") {
  for (std::size_t last = 0; last < 4; ++last) {
    CAPTURE(last);
    Templates house;
    REQUIRE(house.create().status == 200);
    house.hooked.commits_left = last;
    house.ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", 4}});
    house.start_again();
    house.settle_all();
    CHECK(house.places() == (last > 0 ? 7 : 5));
    CHECK(house.ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", 4}}).status == 200);
    CHECK(house.places() == 7);
  }
}

TEST_CASE("a scale-in that is killed at any commit is carried out whole, or was never ordered") {
  for (std::size_t last = 0; last < 4; ++last) {
    CAPTURE(last);
    Templates house;
    REQUIRE(house.create().status == 200);
    house.admit("m-1", Role::master, 1, "ci");
    for (int i = 1; i <= 2; ++i) house.admit(fmt::format("w-{}", i), Role::node, 10 + i, "ci");
    house.hooked.commits_left = last;
    house.ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", 0}});
    house.start_again();
    REQUIRE(finish_drains(house.rooms));
    house.settle_all();
    for (const char* name : {"w-1", "w-2"}) {
      const auto member = find_member(house.store, "ci", name).value();
      CHECK((member->record.removed_at != 0) == (last > 0));
    }
  }
}

TEST_CASE("places whose user-data is lost are told of, and had again") {
  Templates house;
  REQUIRE(house.create().status == 200);
  const auto scale = [&](bool again) {
    return house.ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", 4}, {"again", again}})
        .body;
  };
  CHECK(scale(false).at("untaken") == 5);  // three masters, and two of before
  CHECK(scale(false).at("untaken") == 7);  // the answer before was lost
  CHECK(house.places() == 7);
  const auto anew = scale(true);
  CHECK(anew.at("untaken") == 0);
  CHECK(anew.at("userData").size() == 4);
  CHECK(house.places() == 7);
}

TEST_CASE("cluster delete that is killed at any commit: there or gone, and its name free") {
  for (std::size_t last = 0; last < 4; ++last) {
    CAPTURE(last);
    Templates house;
    REQUIRE(house.create().status == 200);
    house.hooked.commits_left = last;
    house.ask("DELETE", "/v1/operator/clusters/ci");
    house.start_again();
    house.settle_all();
    Scheduler scheduler(house.rooms, 15min, [](const OnDemandCluster&) {});
    REQUIRE(scheduler.carry_out_due());
    const bool is_there = house.store.get(kinds::on_demand, "ci").has_value();
    CHECK(is_there == (last == 0));
    CHECK((house.current.cluster("ci") != nullptr) == is_there);
    if (!is_there) CHECK(house.create().status == 200);
  }
}
