#include "agent/own_state.hpp"

#include "agent/session/identity.hpp"
#include "agent/session/kept_copy.hpp"
#include "agent/state/checkpoint_json.hpp"
#include "agent/state/settled_document.hpp"
#include "fakes/reconcile_fixture.hpp"
#include "fakes/stride.hpp"

using namespace muster;

namespace {

enum class Damage { missing, empty, garbage, other_kind };

// A machine that runs and is settled, of which something is damaged while no agent runs.
struct DamagedMachine : ReconcileFixture {
  DamagedMachine() {
    document.config.secrets = {{"pull", 1, "/etc/muster/secrets/pull", "root", "0600"}};
    site.secrets["pull"] = "hunter2";
    serve();
    REQUIRE(converge().verdict == Verdict::converged);
    REQUIRE(converge().verdict == Verdict::converged);
  }

  [[nodiscard]] std::string path_of(std::string path) const {
    const auto star = path.find('*');
    if (star == std::string::npos) return path;
    const std::string folder = path.substr(0, star - 1);
    return folder + "/" + must(machine.files.list(folder)).at(0) + path.substr(star + 1);
  }

  void damage(const std::string& path, Damage how) {
    auto& files = machine.files;
    const bool is_folder = must(files.status(path)).type == FileStatus::Type::directory;
    REQUIRE(files.remove(path));
    if (how == Damage::empty) files.put(path, "");
    if (how == Damage::garbage) files.put(path, "{\"payload\":7");
    if (how == Damage::other_kind && is_folder) files.put(path, "x");
    if (how == Damage::other_kind && !is_folder) files.put(path + "/x", "x");
    restart_agent();
  }

  void restart_agent() {
    memory = Memory();
    machine.services.calls.clear();
    site.reports.clear();
    machine.clock.sleep(std::chrono::seconds(60));
  }

  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> subjects;
    if (site.reports.empty()) return subjects;
    for (const auto& problem : site.reports.back().unwell) subjects.push_back(problem.subject);
    return subjects;
  }
};

}  // namespace

TEST_CASE(
    "whatever of the agent's state is damaged, the machine runs on and is well again by itself") {
  const auto state = [](const char* name) { return std::string(paths::state) + "/" + name; };
  const std::vector<std::string> entries = {paths::checkpoint,
                                            paths::trust_cache,
                                            paths::document_cache,
                                            paths::peers_cache,
                                            state("settled/*"),
                                            state("identity"),
                                            state("identities/*/key.pem"),
                                            state("identities/*/certificate.pem"),
                                            paths::settled,
                                            paths::secret_digest_key,
                                            paths::cache,
                                            paths::identities,
                                            paths::certificates};
  int number = 0;
  for (const auto& entry : entries) {
    for (const auto how : {Damage::missing, Damage::empty, Damage::garbage, Damage::other_kind}) {
      if (number++ % stride != 0) continue;
      DamagedMachine house;
      // Without the key of an enrolment that is over, which lies beside.
      REQUIRE(house.machine.files.remove(std::string(paths::identities) + "/enrolment"));
      const auto before = must(load_checkpoint(house.machine.files));
      house.damage(house.path_of(entry), how);
      CAPTURE(entry);
      CAPTURE(static_cast<int>(how));
      const auto outcome = house.converge();
      CHECK_MESSAGE(outcome.verdict == Verdict::converged, outcome.message);
      CHECK(house.machine.services.calls.empty());
      REQUIRE_FALSE(house.site.reports.empty());
      const auto after = must(load_checkpoint(house.machine.files));
      CHECK(after.document_generation == before.document_generation);
      CHECK(after.settled_document == before.settled_document);
      CHECK(after.units.size() == before.units.size());
      CHECK(settled_document(house.machine.files, after));
      CHECK(must(load_identity(house.machine.files)));
      house.machine.files.changes.clear();
      CHECK(house.converge().verdict == Verdict::converged);
      CHECK(house.machine.files.changes.empty());
      CHECK(house.machine.services.calls.empty());
    }
  }
}

TEST_CASE("what was set aside is told for a day, with what became of it") {
  DamagedMachine house;
  house.damage(paths::document_cache, Damage::garbage);
  REQUIRE(house.converge().verdict == Verdict::converged);
  REQUIRE(house.told() == std::vector<std::string>{"state cache/document.json"});
  const auto& message = house.site.reports.back().unwell[0].message;
  CHECK(message.ends_with(
      "; set aside as /var/lib/muster/cache/document.json.damaged; its copy is taken, or else the server is asked for it again; if it happens again, see `journalctl -k` for the disk"));
  CHECK(house.machine.files.text(std::string(paths::document_cache) + ".damaged") ==
        "{\"payload\":7");
  house.restart_agent();
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(house.told().size() == 1);
  house.machine.clock.sleep(std::chrono::hours(24));
  house.restart_agent();
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(house.told().empty());
}

TEST_CASE("of what is damaged again the last one is kept, and no more") {
  DamagedMachine house;
  for (const auto how : {Damage::other_kind, Damage::garbage}) {
    house.damage(paths::peers_cache, how);
    CHECK(house.converge().verdict == Verdict::converged);
  }
  int kept = 0;
  for (const auto& name : must(house.machine.files.list(paths::cache))) {
    kept += name.find("damaged") != std::string::npos ? 1 : 0;
  }
  CHECK(kept == 1);
  CHECK(house.machine.files.text(std::string(paths::peers_cache) + ".damaged") == "{\"payload\":7");
}

TEST_CASE("without a checkpoint no server takes the machine back to an older document") {
  DamagedMachine house;
  const auto generation = house.document.generation;
  house.damage(paths::checkpoint, Damage::garbage);
  house.document.generation = generation - 1;
  house.serve();
  const auto outcome = house.converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(outcome.message.find("generation: expected") != std::string::npos);
  CHECK(outcome.fetched.document.generation == generation);
  CHECK(house.machine.services.calls.empty());
  CHECK(house.site.reports.back().unwell[0].message.find(
            fmt::format("nothing older than generation {}, which it has, is taken", generation)) !=
        std::string::npos);
}

TEST_CASE("without a checkpoint, a unit older than its inputs waits for the machine's turn") {
  DamagedMachine house;
  auto& machine = house.machine;
  const auto started_at = [&](std::chrono::nanoseconds since_boot) {
    machine.services.pids["kubelet.service"] = 77;
    machine.files.put("/proc/77/stat",
                      fmt::format("77 (kubelet) S{} {} 0\n", " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
                                  since_boot / std::chrono::milliseconds(10)));
  };
  const auto changed =
      std::chrono::duration_cast<std::chrono::nanoseconds>(machine.clock.now().time_since_epoch());
  machine.files.nodes.at("/etc/kubernetes/kubelet.yaml").modified_ns = changed.count();
  const auto moment = machine.clock.since_boot();
  started_at(moment - std::chrono::seconds(1));
  house.damage(paths::checkpoint, Damage::missing);
  const auto waits = house.converge();
  CHECK(waits.verdict == Verdict::pending_changes);
  REQUIRE(house.site.reports.back().pending.size() == 1);
  CHECK(house.site.reports.back().pending[0].starts_with("kubelet.service: restart"));
  CHECK(machine.services.calls.empty());
  started_at(moment + std::chrono::seconds(1));
  house.damage(paths::checkpoint, Damage::missing);
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(machine.services.calls.empty());
}

TEST_CASE("a rebuilt checkpoint at a boot starts everything, as at any boot") {
  DamagedMachine house;
  house.damage(paths::checkpoint, Damage::empty);
  house.reboot("boot-2");
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(house.machine.services.active.count("kubelet.service") == 1);
}

TEST_CASE("whatever is damaged while the server is away, a boot finds its copy") {
  for (const char* path : {paths::trust_cache, paths::document_cache, paths::peers_cache,
                           paths::copies, paths::cache}) {
    for (const auto how : {Damage::missing, Damage::empty, Damage::garbage, Damage::other_kind}) {
      CAPTURE(path);
      CAPTURE(static_cast<int>(how));
      DamagedMachine house;
      auto& files = house.machine.files;
      const std::string routes = files.text(paths::routes);
      REQUIRE(routes != "");
      house.damage(path, how);
      house.site.is_away = true;
      house.reboot("boot-2");
      const auto outcome = house.converge();
      CHECK_MESSAGE(outcome.verdict == Verdict::converged, outcome.message);
      CHECK(files.text(paths::routes) == routes);
      CHECK(house.machine.services.active.count("kubelet.service") == 1);
      for (const char* cached : {paths::trust_cache, paths::document_cache, paths::peers_cache})
        CHECK(files.text(cached) == files.text(copy_of(cached)));
    }
  }
}

TEST_CASE("a machine that lost its key goes on with what it has, and says the orders that help") {
  for (const char* file : {"key.pem", "certificate.pem"}) {
    DamagedMachine house;
    house.site.is_pending = true;
    const auto path = fmt::format("{}/{}", paths::identity, file);
    CHECK(house.machine.files.remove(path));
    house.restart_agent();
    const auto outcome = house.converge();
    CHECK(outcome.verdict == Verdict::converged);
    CHECK(outcome.fetched.offline);
    CHECK(house.machine.services.calls.empty());
    CHECK(house.site.asked.back() == "enrol");
    const auto report = must(parse_report(house.machine.files.text(paths::kept_status)));
    REQUIRE(report.unwell.size() == 1);
    CHECK(report.unwell[0].subject == "identity");
    const auto key = must(key_for_enrolment(house.machine.files)).public_key().fingerprint();
    const std::string orders = fmt::format(
        "on the server: `muster node replace n1`, then `muster approve n1 --fingerprint {}`, or `muster token create --cluster lab --node n1` and that token in /etc/muster/agent.json",
        key);
    CHECK_MESSAGE(report.unwell[0].message.ends_with(orders), report.unwell[0].message);
    // Let in again, by that very key.
    house.site.is_pending = false;
    CHECK(house.converge().verdict == Verdict::converged);
    CHECK(house.site.reports.back().unwell.empty());
    CHECK((*must(load_identity(house.machine.files))).key.public_key().fingerprint() == key);
  }
}

TEST_CASE("a key of before the newest is never taken: it would look like a copy's") {
  DamagedMachine house;
  auto& files = house.machine.files;
  const auto old = must(files.status(paths::identity)).link_target;
  house.machine.clock.sleep(std::chrono::hours(1));
  const auto key = must(PrivateKey::generate_p256());
  const auto renewed =
      must(keep_identity(files, key, must(house.site.identity(key.public_key())).pem()));
  const auto newest = must(files.status(paths::identity)).link_target;
  REQUIRE(newest != old);
  REQUIRE(files.remove(paths::identity));
  CHECK(must(put_identity_back(files)) == newest);
  REQUIRE(files.remove(paths::identity));
  files.put(newest + "/key.pem", "damaged");
  CHECK(must(put_identity_back(files)).empty());
  CHECK_FALSE(must(load_identity(files)));
}

TEST_CASE("a damaged checkpoint of a master knows its member of etcd by the note in its data") {
  FakeHost machine;
  FakeSite site{machine.clock};
  site.node = "m1";
  const PrivateKey key = must(key_for_enrolment(machine.files));
  must(keep_identity(machine.files, key, must(site.identity(key.public_key())).pem()));
  NodeDocument document = example_document();
  document.site = site.pin();
  site.serve(document);
  REQUIRE(machine.files.make_directory(paths::cache, 0700, "root"));
  machine.files.put(paths::document_cache, to_json(site.document_envelope));
  machine.files.put("/var/lib/etcd/member/muster-member", "cafe 77\n");
  machine.files.put("/etc/muster/arguments/etcd-start.env",
                    "ETCD_INITIAL_CLUSTER_STATE=new\nETCD_INITIAL_CLUSTER=m1=https://a:2380\n");
  machine.services.active.insert("etcd.service");
  machine.files.put("/proc/sys/kernel/random/boot_id", "boot-1\n");
  const Checkpoint checkpoint = read_checkpoint(machine.host);
  CHECK(checkpoint.node == "m1");
  CHECK(checkpoint.etcd_started);
  CHECK(checkpoint.etcd_cluster_id == "cafe");
  CHECK(checkpoint.etcd_member_id == "77");
  CHECK(checkpoint.etcd_address == document.role.address);
  CHECK(checkpoint.etcd_start.state == "new");
  CHECK(checkpoint.etcd_start.initial_cluster == "m1=https://a:2380");
  CHECK(checkpoint.settled_boot == "boot-1");
}

TEST_CASE("modes and owners of the state are put right") {
  DamagedMachine house;
  auto& files = house.machine.files;
  files.nodes.at(paths::checkpoint).mode = 0644;
  files.nodes.at(paths::document_cache).owner = "nobody";
  files.nodes.at(paths::settled).mode = 0755;
  house.restart_agent();
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(must(files.status(paths::checkpoint)).mode == 0600);
  CHECK(must(files.status(paths::document_cache)).owner == "root");
  CHECK(must(files.status(paths::settled)).mode == 0700);
}

TEST_CASE("a full disk keeps no report, no ban and no start from being done") {
  DamagedMachine house;
  auto& files = house.machine.files;
  files.is_full = [](const std::string& path) { return path.rfind(paths::state, 0) == 0; };
  house.restart_agent();
  PeerList peers = example_peers();
  peers.site = house.site.pin();
  peers.generation += 1;
  peers.peers.pop_back();
  house.site.serve(peers);
  CHECK(house.converge().verdict == Verdict::converged);
  REQUIRE_FALSE(house.site.reports.empty());
  CHECK(house.told() == std::vector<std::string>{"disk"});
  CHECK(house.machine.services.calls == std::vector<std::string>{"restart muster-routes.service"});
  const auto counter = house.site.reports.back().counter;
  house.machine.services.calls.clear();
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(house.machine.services.calls.empty());
  CHECK(house.site.reports.back().counter > counter);
  // Booted on it: what is there starts, once.
  house.reboot("boot-2");
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(house.machine.services.active.count("kubelet.service") == 1);
  house.machine.services.calls.clear();
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK(house.machine.services.calls.empty());
}

TEST_CASE("a tombstone that cannot be read is over once the server serves the machine") {
  DamagedMachine house;
  house.machine.files.put(paths::tombstone, "{");
  house.restart_agent();
  house.site.is_away = true;
  CHECK(house.converge().verdict == Verdict::failed);
  house.site.is_away = false;
  CHECK(house.converge().verdict == Verdict::converged);
  CHECK_FALSE(house.machine.files.status(paths::tombstone));
  CHECK(house.machine.files.text(std::string(paths::tombstone) + ".damaged") == "{");
}
