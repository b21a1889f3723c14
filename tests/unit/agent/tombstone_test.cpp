#include "agent/session/tombstone.hpp"
#include "agent/obey.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "agent/reconcile.hpp"
#include "agent/reset.hpp"
#include "agent/status.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

// A machine that enrolled as n1 of lab.
struct TombstoneFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  std::vector<std::string> narrated;

  TombstoneFixture() {
    settings.site_pin = site.pin();
    settings.enrol_servers = {"https://10.0.0.254:8443"};
    site.node = "n1";
    machine.files.put("/proc/sys/kernel/hostname", "n1\n");
    machine.files.put("/proc/sys/kernel/random/boot_id", "boot-1\n");
    site.document_envelope = must(sign_envelope("other", "{}", site.document_key));
    REQUIRE(converge().verdict == Verdict::failed);
  }
  Outcome converge() {
    auto checkpoint = must(load_checkpoint(machine.files));
    Memory memory;
    Reporter reporter(machine.host, checkpoint, memory, [](std::string_view) {});
    Run run{machine.host, network,  settings,
            checkpoint,   reporter, Deadline(machine.clock, std::chrono::minutes(10)),
            false,        false,    memory};
    return reconcile(run);
  }
  Identity identity() const { return **load_identity(machine.files); }
  [[nodiscard]] Tombstone mine(OnDelete on_delete = OnDelete::poweroff) const {
    return {site.pin(),    "lab",    "n1", identity().key.public_key().fingerprint(),
            1'795'000'000, on_delete};
  }
  void serve(const Tombstone& tombstone) { serve(tombstone, site.document_key); }
  void serve(const Tombstone& tombstone, const PrivateKey& key) {
    site.document_envelope = must(sign_envelope(tombstone_type, to_canonical_json(tombstone), key));
  }
  std::string refusal() {
    const auto verified = verify_tombstone(site.document_envelope, site.trust_list(), identity());
    return verified ? "accepted" : verified.error().message;
  }
  Result<void> obey_now(const Tombstone& tombstone, bool is_news) {
    return obey(tombstone, is_news, machine.host,
                [this](std::string_view line) { narrated.emplace_back(line); });
  }
};

}  // namespace

TEST_CASE_FIXTURE(TombstoneFixture, "only the site's word about this very machine is believed") {
  serve(mine());
  CHECK(refusal() == "accepted");
  auto other = mine();
  other.cluster = "other";
  serve(other);
  CHECK(refusal() == "tombstone refused: cluster: expected 'lab', found 'other'");
  other = mine();
  other.node = "n2";
  serve(other);
  CHECK(refusal() == "tombstone refused: node: expected 'n1', found 'n2'");
  other = mine();
  other.site = "sha256:" + std::string(64, 'a');
  serve(other);
  CHECK(refusal() ==
        "tombstone refused: site: expected '" + site.pin() + "', found '" + other.site + "'");
  // Of a machine that had this name before: the same cluster's, site's and node's, and still valid.
  other = mine();
  other.identity = "sha256:" + std::string(64, 'b');
  serve(other);
  CHECK(refusal() == "tombstone refused: identity: expected '" + mine().identity + "', found '" +
                         other.identity + "'");
  serve(mine(), must(PrivateKey::generate_ed25519()));
  CHECK(refusal().starts_with("tombstone refused: "));
  site.document_envelope.key_id = site.document_key.public_key().fingerprint();
  CHECK(refusal().starts_with("tombstone refused: envelope: the signature by "));
  site.document_envelope = must(sign_envelope("application/vnd.muster.node-document.v1+json",
                                              to_canonical_json(mine()), site.document_key));
  CHECK(refusal().starts_with("tombstone refused: envelope: expected the type "));
}

TEST_CASE_FIXTURE(TombstoneFixture,
                  "a tombstone is kept, then told, and nothing is done by the converge") {
  serve(mine());
  const auto outcome = converge();
  REQUIRE(outcome.ended);
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(outcome.message ==
        "cluster 'lab' ended at 2026-11-18T11:06:40Z: this machine switches itself off");
  CHECK(machine.files.text(paths::tombstone) == to_canonical_json(mine()));
  CHECK(site.asked.back() == "forget-me");
  CHECK(machine.services.calls.empty());
  CHECK(machine.power.power_offs == 0);
}

TEST_CASE_FIXTURE(TombstoneFixture, "what is not ours changes nothing, and is told") {
  auto other = mine();
  other.identity = "sha256:" + std::string(64, 'b');
  serve(other);
  const auto outcome = converge();
  CHECK_FALSE(outcome.ended);
  CHECK(outcome.message.starts_with("tombstone refused: identity: "));
  CHECK_FALSE(machine.files.status(paths::tombstone));
}

TEST_CASE_FIXTURE(TombstoneFixture,
                  "once it is kept, no server and no lack of one starts anything again") {
  serve(mine());
  REQUIRE(converge().ended);
  site.asked.clear();
  machine.files.put("/proc/sys/kernel/random/boot_id", "boot-2\n");
  for (const bool is_away : {true, false}) {
    site.is_away = is_away;
    const auto outcome = converge();
    REQUIRE(outcome.ended);
    CHECK(outcome.ended->on_delete == OnDelete::poweroff);
  }
  CHECK(site.asked.empty());
  CHECK(machine.services.calls.empty());
  const auto checkpoint = must(load_checkpoint(machine.files));
  CHECK(
      status_text(machine.host, checkpoint, {})
          .starts_with(
              "ended        cluster 'lab' ended at 2026-11-18T11:06:40Z: this machine switches itself off\n"));
}

TEST_CASE_FIXTURE(TombstoneFixture,
                  "a damaged tombstone starts nothing either, and says the cure") {
  for (const char* text : {"{", "", "folder"}) {
    REQUIRE(machine.files.remove(paths::tombstone));
    if (std::string_view(text) == "folder") {
      REQUIRE(machine.files.make_directory(paths::tombstone, 0700, "root"));
    } else {
      machine.files.put(paths::tombstone, text);
    }
    site.document_envelope = must(sign_envelope("other", "{}", site.document_key));
    for (const bool is_away : {false, true}) {
      site.is_away = is_away;
      const auto outcome = converge();
      CHECK(outcome.verdict == Verdict::failed);
      CHECK(outcome.message.find("To take everything away: muster-agent reset --yes") !=
            std::string::npos);
      CHECK(machine.services.calls.empty());
      CHECK(machine.files.status(paths::tombstone));
    }
    // The server's word about it is kept anew.
    site.is_away = false;
    serve(mine());
    REQUIRE(converge().ended);
    CHECK(machine.files.text(paths::tombstone) == to_canonical_json(mine()));
    CHECK(machine.services.calls.empty());
  }
}

TEST_CASE_FIXTURE(TombstoneFixture, "an expired identity is told at its recovery") {
  site.tombstone =
      must(sign_envelope(tombstone_type, to_canonical_json(mine()), site.document_key));
  machine.clock.time += std::chrono::hours(24 * 5);
  const auto outcome = converge();
  REQUIRE(outcome.ended);
  CHECK(site.asked.back() == "recover");
}

TEST_CASE_FIXTURE(TombstoneFixture,
                  "news switch the machine off at once, a later boot leaves time") {
  const auto before = machine.clock.now();
  REQUIRE(obey_now(mine(), true));
  CHECK(machine.power.power_offs == 1);
  CHECK(machine.clock.now() == before);
  REQUIRE(obey_now(mine(), false));
  CHECK(machine.power.power_offs == 2);
  CHECK(machine.clock.now() - before == time_to_log_in);
  CHECK(narrated.back() ==
        "in 2 minutes; to use this machine again, before that: muster-agent reset --yes");
}

TEST_CASE_FIXTURE(TombstoneFixture, "reset is left to its own unit, once; keep touches nothing") {
  const Tombstone order = mine(OnDelete::reset), untouched = mine(OnDelete::keep);
  REQUIRE(obey_now(order, true));
  CHECK(machine.services.calls == std::vector<std::string>{"start muster-reset.service"});
  REQUIRE(keep_tombstone(order, machine.files));
  REQUIRE(reset(
      machine.host, [](std::string_view) {}, TombstoneGoes::no));
  CHECK(machine.files.status(paths::tombstone));
  CHECK_FALSE(machine.files.status(paths::identity_key));
  machine.services.calls.clear();
  REQUIRE(obey_now(order, false));  // the next boot
  REQUIRE(obey_now(untouched, true));
  CHECK(machine.services.calls.empty());
  CHECK(machine.power.power_offs == 0);
  REQUIRE(reset(machine.host, [](std::string_view) {}));
  CHECK_FALSE(machine.files.status(paths::tombstone));
}

TEST_CASE("killed at any change, the machine either has not heard yet, or obeys") {
  for (int at = 0;; ++at) {
    TombstoneFixture fresh;
    fresh.serve(fresh.mine());
    fresh.machine.files.restart();
    fresh.machine.files.crash_at = at;
    static_cast<void>(fresh.converge());
    const bool was_killed = fresh.machine.files.calls > at;
    fresh.machine.files.restart();
    const auto kept = kept_tombstone(fresh.machine.files);
    REQUIRE(kept);
    // Heard of by the server only when it is kept.
    const bool is_told = fresh.site.asked.back() == "forget-me";
    if (is_told) CHECK(*kept);
    fresh.site.is_away = kept->has_value();
    REQUIRE(fresh.converge().ended);
    if (!was_killed) break;
    REQUIRE(at < 50);
  }
}
