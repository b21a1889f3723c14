// How a machine that starts by the network comes up, as the whole server remembers it, decides by
// it and tells it.
#include <doctest/doctest.h>

#include "sample_firmware.hpp"

using namespace muster;
using sample::add_image;
using sample::ask_as_firmware;
using sample::asked_by_n1;
using sample::publish_netbooted;

namespace {

const std::string older = "20261201.000000", newer = "20261202.050000";
const char* const archive_of_n1 = "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f";

// A cluster whose one node netboots, with an image that it came up by and a newer one.
struct Rack : sample::House {
  std::string boot = "b1", settings;

  // `more`: settings of its node.
  explicit Rack(const std::string& more = {}) : settings(more) {
    add_image(*this, {"arguments", "initrd", "root.squashfs", "vmlinuz"}, older);
    if (more.empty())
      publish_netbooted(*this);
    else
      apply(sample::small_inventory(sample::with_marks + ", overrides: {netboot: {image: tower}, " +
                                    more + "}"));
  }
  // What firmware and initrd ask; true: it is started.
  bool start() {
    const auto told = ask_as_firmware(*this, asked_by_n1);
    time += std::chrono::seconds(2);
    return told.status == 200 && told.has("kernel --name") &&
           ask_as_firmware(*this, archive_of_n1).status == 200;
  }
  std::string started_by() {
    const auto told = ask_as_firmware(*this, asked_by_n1);
    const auto at = told.body.find("muster.image=");
    return at == std::string::npos ? told.body : told.body.substr(at + 13, 27);
  }
  // It has enrolled, and is heard of.
  void report(const Peer& peer, const std::string& image, const std::string& verdict = "converged",
              bool is_stopping = false, nlohmann::json phases = json_list()) {
    nlohmann::json body = {{"machineId", "m"},
                           {"bootId", boot},
                           {"counter", 5'000'000},
                           {"agentVersion", "0.4"},
                           {"documentDigest", ""},
                           {"generation", 1},
                           {"verdict", verdict},
                           {"failureClass", ""},
                           {"message", ""},
                           {"offline", false},
                           {"pending", json_list()},
                           {"phases", std::move(phases)},
                           {"etcdClusterId", ""},
                           {"etcdMemberId", ""},
                           {"sentAt", 0},
                           {"bootImage", "image-tower/" + image}};
    if (is_stopping) body["stopping"] = true;
    const auto answer = ask("POST", "/v1/report", body, peer);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
  }
  static nlohmann::json json_list() { return nlohmann::json::array(); }
  void upgrade() {
    add_image(*this);
    const auto answer = ask(
        "POST", "/v1/operator/apply",
        {{"clusters", {"lab"}},
         {"files",
          {{"site.yaml",
            sample::small_inventory(sample::with_marks + ", overrides: {netboot: {image: tower}" +
                                    (settings.empty() ? "" : ", " + settings) + "}")}}},
         {"basedOn", {{"lab", current.cluster("lab")->revision}}},
         {"upgrade", {"image-tower"}}});
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
  }
  nlohmann::json shown() { return ask("GET", "/v1/operator/nodes/lab/n1").body.at("start"); }
  nlohmann::json failed_starts() {
    return ask("GET", "/v1/operator/status").body.at("clusters")[0].at("failedStarts");
  }
  std::uint64_t version() {
    const auto record = store.get(kinds::boot, "lab/n1");
    return record ? record->version : 0;
  }
};

}  // namespace

TEST_CASE("a start is told by its states, and written with its claim alone") {
  Rack rack;
  CHECK(rack.shown().at("state") == "unknown");
  // Anybody's question is no reason to write.
  for (int asked = 0; asked < 20; ++asked) ask_as_firmware(rack, asked_by_n1);
  CHECK(rack.shown().at("state") == "accepted");
  CHECK(rack.shown().at("script").at("source") == "10.77.0.99");
  CHECK(rack.version() == 0);
  REQUIRE(rack.start());
  const auto shown = rack.shown();
  CHECK(shown.at("state") == "provisioning");
  CHECK(shown.at("handedOut").at("image") == "image-tower/" + older);
  CHECK(shown.at("handedOut").at("starts") == 1);
  const std::uint64_t written = rack.version();
  CHECK(ask_as_firmware(rack, archive_of_n1).status == 200);
  CHECK(rack.version() == written);

  rack.time += std::chrono::seconds(30);
  const Peer peer = rack.machine("n1");
  rack.report(peer, older, "converging");
  CHECK(rack.shown().at("state") == "provisioning");
  rack.report(peer, older);
  CHECK(rack.shown().at("state") == "running");
  CHECK(rack.shown().at("good") == "image-tower/" + older);
  CHECK(rack.shown().at("handedOut").at("starts") == 0);
  // What is no news is not written, with however many reports.
  const std::uint64_t settled = rack.version();
  rack.report(peer, older);
  CHECK(rack.version() == settled);
}

TEST_CASE("what an initrd gave up for is kept once for each start, and changes nothing else") {
  Rack rack;
  const auto give_up = [&](const std::string& why) {
    return ask_as_firmware(rack, "/boot/failure?mac=0c:c4:7a:80:09:1f", "POST", why).status;
  };
  CHECK(give_up("before any start") == 200);
  CHECK(rack.version() == 0);
  REQUIRE(rack.start());
  CHECK(give_up("no chunk 3\x1b") == 200);
  const std::uint64_t written = rack.version();
  for (int told = 0; told < 20; ++told) CHECK(give_up("something else") == 200);
  CHECK(rack.version() == written);
  CHECK(rack.shown().at("handedOut").at("failure") == "no chunk 3\\x1b");
  CHECK(rack.shown().at("handedOut").at("starts") == 1);
  rack.time += std::chrono::minutes(16);  // its claim has ended
  REQUIRE(rack.start());
  CHECK(rack.shown().at("handedOut").at("failure") == "");
}

TEST_CASE("an image that does not come up is left for the one before, with an alarm") {
  Rack rack;
  REQUIRE(rack.start());
  Peer peer = rack.machine("n1");
  rack.report(peer, older);
  rack.upgrade();
  CHECK(rack.failed_starts().empty());
  rack.time += std::chrono::minutes(10);
  for (int start = 0; start < 3; ++start) {
    CHECK(rack.started_by() == "image-tower/" + newer);
    REQUIRE(rack.start());
    rack.time += std::chrono::minutes(3);
  }
  REQUIRE(rack.failed_starts().size() == 1);
  CHECK(rack.failed_starts()[0].at("reason") ==
        "image-tower/20261202.050000 was handed out 3 times and did not come to be Ready");
  CHECK(rack.started_by() == "image-tower/" + older);
  REQUIRE(rack.start());
  CHECK(
      rack.failed_starts()[0].at("reason") ==
      "image-tower/20261202.050000 was handed out 3 times and did not come to be Ready: it starts by image-tower/20261201.000000");
  rack.boot = "b2";
  rack.report(rack.machine("n1"), older);
  CHECK(rack.shown().at("state") == "running");
  CHECK(rack.failed_starts().size() == 1);
  const auto node = rack.ask("GET", "/v1/operator/nodes/lab/n1").body;
  CHECK(node.at("cure") ==
        "publish an image that starts there; `muster node reprovision NAME` tries this one again");
  rack.time += std::chrono::hours(1);
  CHECK(rack.started_by() == "image-tower/" + older);
  // An operator's word.
  REQUIRE(rack.ask("POST", "/v1/operator/nodes/lab/n1/reprovision").status == 200);
  CHECK(rack.started_by() == "image-tower/" + newer);
  CHECK(rack.failed_starts().empty());
}

TEST_CASE("an image that no kept revision has is none to go back to") {
  Rack rack;
  REQUIRE(rack.start());
  rack.report(rack.machine("n1"), "20260101.000000");  // as it says itself
  rack.time += std::chrono::minutes(10);
  for (int start = 0; start < 5; ++start) {
    CHECK(rack.started_by() == "image-tower/" + older);
    REQUIRE(rack.start());
    rack.time += std::chrono::minutes(3);
  }
  CHECK(rack.failed_starts()[0].at("reason") ==
        "image-tower/20261201.000000 was handed out 5 times and did not come to be Ready");
}

TEST_CASE("a machine that said that it goes down is started at once, also after a restart") {
  Rack rack;
  REQUIRE(rack.start());
  const Peer peer = rack.machine("n1");
  rack.report(peer, older);
  CHECK_FALSE(rack.start());
  rack.report(peer, older, "converged", true);
  const auto node = rack.ask("GET", "/v1/operator/nodes/lab/n1").body;
  CHECK(node.at("standing") == "silent");
  CHECK(node.at("reason").get<std::string>().ends_with(", as it said, and is not up again"));
  rack.time += std::chrono::seconds(10);
  REQUIRE(rack.views.load());  // as the next start finds it
  CHECK(rack.start());
  // Who goes on after all is heard of, and not started a second time.
  rack.report(peer, older);
  rack.time += std::chrono::seconds(10);
  CHECK_FALSE(rack.start());
}

TEST_CASE("reprovisioning is an order of one start, audited, and can be taken back") {
  Rack rack;
  REQUIRE(rack.start());
  rack.report(rack.machine("n1"), older);
  const auto order = [&](const nlohmann::json& body = {}) {
    return rack.ask("POST", "/v1/operator/nodes/lab/n1/reprovision", body);
  };
  rack.time += std::chrono::seconds(10);
  CHECK_FALSE(rack.start());
  CHECK(order({{"cancel", true}}).status == 404);
  CHECK(order().status == 200);
  CHECK(order().status == 200);
  CHECK(rack.shown().at("state") == "reprovision");
  CHECK(rack.shown().at("reprovision").at("by") == "operator root");
  const auto status = rack.ask("GET", "/v1/operator/status").body.at("clusters")[0];
  CHECK(status.at("reprovisions")[0].at("node") == "n1");
  CHECK(order({{"cancel", true}}).status == 200);
  CHECK_FALSE(rack.start());
  CHECK(order().status == 200);
  CHECK(rack.start());
  int ordered = 0, cancelled = 0;
  const auto audit = rack.ask("GET", "/v1/operator/audit").body;
  for (const auto& row : audit.at("rows")) {
    if (row.at("action") == "reprovision-ordered") ++ordered;
    if (row.at("action") == "reprovision-cancelled") ++cancelled;
  }
  CHECK(ordered == 2);
  CHECK(cancelled == 1);
  const auto refused = rack.ask("POST", "/v1/operator/nodes/lab/m1/reprovision");
  CHECK(refused.status == 409);
  CHECK(
      refused.message() ==
      "machine 'lab/m1': it starts from its disk (no netboot.image), where nothing is made anew by itself: reinstall it, and order `muster node replace m1`");
}

TEST_CASE("how a machine came up goes with the machine") {
  Rack rack;
  REQUIRE(rack.start());
  CHECK(rack.version() != 0);
  rack.apply(sample::cluster() + sample::node("m1", "master", 11), true);
  CHECK(rack.version() == 0);
  CHECK(rack.boots.find({"lab", "n1"}).archive_at == 0);
  CHECK(rack.boots.script({"lab", "n1"}).at == 0);
}

namespace {
const std::string if_blank = "stateDisk: {serial: S1, create: ifBlank}";
const std::string wipe = "stateDisk: {path: '/dev/disk/by-path/pci-0000:01:00.0', create: wipe}";
const char* const wipe_disk = "/v1/operator/nodes/lab/n1/wipe-disk";
}  // namespace

TEST_CASE("a machine that keeps its identity needs no claim and waits for no silence") {
  Rack rack(if_blank);
  auto archive = ask_as_firmware(rack, archive_of_n1);
  CHECK(archive.has("machine lab/n1\ncreate ifBlank\nserial S1\n"));
  CHECK(archive.has("\"token\""));
  const Peer peer = rack.machine("n1");
  // It enrolled, and was not heard of: its certificate may not have reached its disk.
  rack.time += std::chrono::minutes(10);
  CHECK(ask_as_firmware(rack, archive_of_n1).has("\"token\""));
  rack.report(peer, older);
  CHECK(ask_as_firmware(rack, asked_by_n1).has("kernel --name"));
  archive = ask_as_firmware(rack, archive_of_n1);
  CHECK(archive.status == 200);
  CHECK_FALSE(archive.has("\"token\""));
  // Another disk, and so another key: an operator's word.
  REQUIRE(rack.ask("POST", "/v1/operator/nodes/lab/n1/replace").status == 200);
  rack.time += std::chrono::minutes(4);
  CHECK(ask_as_firmware(rack, archive_of_n1).has("\"token\""));
  const auto anew = rack.ask("POST", "/v1/operator/nodes/lab/n1/reprovision");
  CHECK(anew.status == 409);
  CHECK(
      anew.message() ==
      "machine 'lab/n1': a start makes nothing of it anew, since it keeps its state on a disk (stateDisk), and its image did not fail: `muster node wipe-disk n1` makes it anew, or `muster node replace n1` where the disk is another one");
}

TEST_CASE("an image that does not come up is left for the one before, without a claim too") {
  Rack rack(if_blank);
  REQUIRE(rack.start());
  const Peer peer = rack.machine("n1");
  rack.report(peer, older);
  rack.upgrade();
  // While it is heard of, whoever asks in its name counts nothing.
  const std::uint64_t written = rack.version();
  for (int start = 0; start < 5; ++start) {
    REQUIRE(rack.start());
    rack.time += std::chrono::seconds(30);
    rack.report(peer, older);
  }
  CHECK(rack.version() == written);
  rack.time += std::chrono::minutes(10);
  for (int start = 0; start < 3; ++start) {
    CHECK(rack.started_by() == "image-tower/" + newer);
    REQUIRE(rack.start());
    rack.time += std::chrono::minutes(3);
  }
  CHECK(rack.started_by() == "image-tower/" + older);
  REQUIRE(rack.start());
  const std::uint64_t noted = rack.version();
  CHECK_FALSE(ask_as_firmware(rack, archive_of_n1).has("\"token\""));
  CHECK(rack.version() == noted);  // at once again: the same start
  CHECK(
      rack.failed_starts()[0].at("reason") ==
      "image-tower/20261202.050000 was handed out 3 times and did not come to be Ready: it starts by image-tower/20261201.000000");
  rack.boot = "b2";
  rack.report(peer, older);
  CHECK(rack.shown().at("state") == "running");
  // The cure that is told: its key stays, and no order stands.
  REQUIRE(rack.ask("POST", "/v1/operator/nodes/lab/n1/reprovision").status == 200);
  CHECK(rack.started_by() == "image-tower/" + newer);
  CHECK(rack.failed_starts().empty());
  CHECK(rack.shown().at("reprovision").is_null());
  CHECK_FALSE(ask_as_firmware(rack, archive_of_n1).has("\"token\""));
}

TEST_CASE("what the initrd of a machine with a state disk gave up for is kept with its start") {
  Rack rack(if_blank);
  REQUIRE(rack.start());
  rack.report(rack.machine("n1"), older);
  rack.time += std::chrono::minutes(10);
  REQUIRE(rack.start());
  REQUIRE(
      ask_as_firmware(rack, "/boot/failure?mac=0c:c4:7a:80:09:1f", "POST", "not blank").status ==
      200);
  CHECK(rack.shown().at("handedOut").at("failure") == "not blank");
}

TEST_CASE("the word to wipe a disk is of one serial, told until it is done or late") {
  Rack rack(wipe);
  REQUIRE(rack.start());
  Peer peer = rack.machine("n1");
  rack.report(peer, older);
  CHECK(rack.shown().at("diskWipe").is_null());
  CHECK(rack.ask("POST", wipe_disk, {{"cancel", true}}).status == 404);
  CHECK(
      rack.ask("POST", wipe_disk).message() ==
      "serial: expected the serial number of the disk to wipe, found ''; the machine's console tells it, and `muster node show n1`");
  REQUIRE(rack.ask("POST", wipe_disk, {{"serial", "S9"}}).status == 200);
  REQUIRE(rack.ask("POST", wipe_disk, {{"cancel", true}}).status == 200);
  REQUIRE(rack.ask("POST", wipe_disk, {{"serial", "S9"}}).status == 200);
  CHECK(
      rack.ask("GET", "/v1/operator/status").body.at("clusters")[0].at("diskWipes")[0].at("node") ==
      "n1");
  ask_as_firmware(rack, archive_of_n1, "HEAD");
  auto archive = ask_as_firmware(rack, archive_of_n1);
  const std::string number = std::to_string(rack.boots.find({"lab", "n1"}).wipe_at);
  CHECK(archive.has("create wipe\npath /dev/disk/by-path/pci-0000:01:00.0\nwipe " + number +
                    " S9\n"));
  // HEAD says how long it is.
  CHECK(ask_as_firmware(rack, archive_of_n1, "HEAD").body.size() == archive.body.size());
  CHECK(archive.has("\"token\""));
  CHECK(rack.shown().at("diskWipe").at("to") == "10.77.0.99");
  // Asking takes it from nobody.
  const std::uint64_t written = rack.version();
  CHECK(ask_as_firmware(rack, archive_of_n1).has("wipe " + number + " S9"));
  CHECK(rack.version() == written);
  // What an older boot did is not this one's.
  const nlohmann::json phase = {
      {"name", "initrd disk-made"}, {"startUs", 1}, {"endUs", 2}, {"detail", ""}};
  const nlohmann::json made = nlohmann::json::array({phase});
  CHECK(rack.shown().at("diskWipe").at("doneAt") == 0);
  rack.boot = "b2";
  rack.time += std::chrono::seconds(30);
  rack.report(peer, older, "converging", false, made);
  CHECK(rack.shown().at("diskWipe").at("doneAt") != 0);
  CHECK_FALSE(ask_as_firmware(rack, archive_of_n1).has("\nwipe "));
  CHECK(rack.ask("POST", wipe_disk, {{"cancel", true}}).status == 404);
  REQUIRE(rack.ask("POST", wipe_disk, {{"serial", "S9"}}).status == 200);
  const auto again = ask_as_firmware(rack, archive_of_n1);
  CHECK(again.has("\nwipe "));  // another order, by its number
  CHECK_FALSE(again.has("wipe " + number));
  rack.time += std::chrono::minutes(16);
  CHECK_FALSE(ask_as_firmware(rack, archive_of_n1).has("\nwipe "));
}

TEST_CASE("a disk is wiped where the inventory says so too, and no other") {
  Rack rack(if_blank);
  CHECK(
      rack.ask("POST", wipe_disk, {{"serial", "S1"}}).message() ==
      "machine 'lab/n1': stateDisk.create: expected wipe, found ifBlank: say so in the inventory, `muster apply`, and order it again");
  Rack other("stateDisk: {serial: S1, create: wipe}");
  CHECK(other.ask("POST", wipe_disk, {{"serial", "S2"}}).message() ==
        "machine 'lab/n1': expected the serial number of its state disk, 'S1', found 'S2'");
  Rack none;
  CHECK(none.ask("POST", wipe_disk, {{"serial", "S2"}}).message() ==
        "machine 'lab/n1': the inventory names no state disk (stateDisk)");
}
