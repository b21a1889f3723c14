// What a machine in its firmware is told, with every room behind it and no socket before it.
#include <sstream>

#include "http/handlers.hpp"
#include "sample_firmware.hpp"

using namespace muster;
using sample::add_image;
using sample::artifact_path;
using sample::ask_as_firmware;
using sample::asked_by_n1;
using sample::House;
using sample::publish_netbooted;
using sample::ToldFirmware;
using sample::with_marks;

TEST_CASE("a listed machine starts by the image that its document names") {
  House house;
  add_image(house);
  publish_netbooted(house);
  const ToldFirmware told = ask_as_firmware(house, asked_by_n1);
  REQUIRE(told.status == 200);
  CHECK(told.headers.at("Cache-Control") == "no-store");
  const std::string boot = house.site.keys.trust()->list.servers.boot.front();
  CHECK(told.has("kernel --name kernel " + artifact_path("vmlinuz") + " initrd=initrd "));
  CHECK(told.has(
      "hexhyp} console=ttyS0 quiet hugepages=4 muster.image=image-tower/20261202.050000 muster.source=" +
      boot + " || goto failed\n"));
  CHECK(told.has("initrd --name initrd " + artifact_path("initrd") + " "));
  const char* const own = "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f&serial=S1";
  // HEAD hands nothing out, or a GET within five seconds would be told to ask again.
  const ToldFirmware shape = ask_as_firmware(house, own, "HEAD");
  CHECK(shape.status == 200);
  const ToldFirmware archive = ask_as_firmware(house, own);
  CHECK(archive.body.size() == shape.body.size());
  CHECK(archive.status == 200);
  CHECK(archive.body.starts_with("070701"));
  CHECK(archive.has("n1\n"));
}

TEST_CASE("the chain begins where firmware asks, with slashes as it writes them") {
  House house;
  for (const char* target : {"/boot.ipxe", "//boot.ipxe"}) {
    const ToldFirmware told = ask_as_firmware(house, target);
    CHECK(told.status == 200);
    CHECK(told.body.starts_with("#!ipxe\n"));
  }
  add_image(house);
  publish_netbooted(house);
  CHECK(ask_as_firmware(house, "/" + std::string(asked_by_n1)).has("imgfree"));
}

TEST_CASE("a serial number with a plus is found, encoded or not, and with blanks") {
  House house;
  add_image(house);
  house.apply(sample::small_inventory(
      ", match: {serial: \"A+1 /%\"}, overrides: {netboot: {image: tower}}"));
  CHECK(ask_as_firmware(house, "/ipxe?mac=&uuid=&serial=A%2B1%20%2F%25").has("imgfree"));
  House raw;
  add_image(raw);
  raw.apply(sample::small_inventory(
      ", match: {serial: \"A+1+B\"}, overrides: {netboot: {image: tower}}"));
  CHECK(ask_as_firmware(raw, "/ipxe?mac=&uuid=&serial=A+1+B").has("imgfree"));
}

TEST_CASE("a machine that nobody listed goes on to its disk, and is told of on the server") {
  House house;
  add_image(house);
  publish_netbooted(house);
  const ToldFirmware told = ask_as_firmware(house, "/ipxe?mac=00-11-22-33-44-55&uuid=&serial=");
  CHECK(told.status == 200);
  CHECK(told.has(
      "echo muster: no machine of the inventory has these marks (mac 00-11-22-33-44-55, uuid none, serial none): add the node with spec.match and run `muster apply`\n"));
  CHECK(told.has("sanboot --no-describe --drive 0x80"));
  CHECK_FALSE(told.has("kernel"));
  const auto notes = house.refusals.find("10.77.0.99");
  REQUIRE(notes.size() == 1);
  CHECK(notes.front().code == "machine_unknown");
}

TEST_CASE("marks of two machines start neither") {
  House house;
  add_image(house);
  house.apply(
      sample::small_inventory(with_marks + ", overrides: {netboot: {image: tower}}") +
      "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: n2}\n"
      "spec: {cluster: lab, role: node, address: 10.77.0.22, match: {uuid: 4c4c4544-0042-3510-8052-b4c04f4e3232}}\n");
  const ToldFirmware told = ask_as_firmware(
      house, "/ipxe?mac=0c-c4-7a-80-09-1f&uuid=4c4c4544-0042-3510-8052-b4c04f4e3232&serial=");
  CHECK(told.status == 200);
  CHECK(told.has("more than one machine of the inventory has these marks"));
  CHECK_FALSE(told.has("kernel --name"));
  CHECK_FALSE(told.has("sanboot"));
}

TEST_CASE("a machine without netboot.image starts from its disk") {
  House house;
  house.apply(sample::small_inventory(with_marks));
  const ToldFirmware told = ask_as_firmware(house, asked_by_n1);
  CHECK(told.has(
      "machine  lab/n1 : the inventory names no image (netboot.image): it starts from its disk"));
  CHECK(told.has("iseq ${platform} pcbios || exit 1\n"));
  CHECK(house.refusals.size() == 0);
  CHECK(ask_as_firmware(house, "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f").status == 404);
}

TEST_CASE(
    "while its image is not there, a machine is asked to come again, and the server says why") {
  House house;
  add_image(house);
  publish_netbooted(house);
  const std::string digest = sha256_digest("root.squashfs");
  std::filesystem::remove(house.artifacts.folder() + "/sha256/" + digest.substr(7, 2) + "/" +
                          digest.substr(7));
  const ToldFirmware told = ask_as_firmware(house, asked_by_n1);
  CHECK(told.status == 503);
  CHECK(told.headers.contains("Retry-After"));
  const auto notes = house.refusals.find("lab/n1");
  REQUIRE(notes.size() == 1);
  CHECK(
      notes.front().message ==
      "machine 'lab/n1': image-tower 20261202.050000: root.squashfs is not on the server's disk; bring it back with `muster release import`: the machine asks again");
}

TEST_CASE("what an initrd gave up for is told on the server, as text") {
  House house;
  add_image(house);
  publish_netbooted(house);
  RequestHead head;
  head.method = "POST";
  head.path = "/boot/failure";
  Request request;
  request.peer.listener = ListenerKind::boot;
  request.peer.address = "10.77.0.21";
  request.method = "POST";
  request.path = head.path;
  request.query = {{"mac", "00:00:00:00:00:00,0c:c4:7a:80:09:1f,"}};
  request.body = "phase=fetch no source gave chunk 3\x1b[31m";
  request.route = house.router.admit(head, request.peer, "r1").route;
  CHECK(house.router.answer(request).status == 200);
  const auto notes = house.refusals.find("lab/n1");
  REQUIRE(notes.size() == 1);
  CHECK(notes.front().code == "boot_failed");
  CHECK(notes.front().message.starts_with(
      "it did not start and says: phase=fetch no source gave chunk 3"));
  CHECK(notes.front().message.find('\x1b') == std::string::npos);
}

TEST_CASE("a machine that runs is not started a second time, until it was silent for three polls") {
  House house;
  add_image(house);
  publish_netbooted(house);
  static_cast<void>(house.machine("n1"));
  Report report;
  report.verdict = Verdict::converged;
  house.hear({"lab", "n1"}, report);
  const ToldFirmware told = ask_as_firmware(house, asked_by_n1);
  CHECK(told.status == 503);
  CHECK(told.headers.contains("Retry-After"));
  CHECK(house.refusals.find("lab/n1").front().code == "machine_running");
  CHECK(ask_as_firmware(house, "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f").status == 503);
  house.time += std::chrono::minutes(10);
  CHECK(ask_as_firmware(house, asked_by_n1).status == 200);
  const ToldFirmware archive = ask_as_firmware(house, "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f");
  CHECK(archive.status == 200);
  CHECK(archive.has("\"token\": \"muster1."));
  // Whoever asks again is told the same.
  CHECK(ask_as_firmware(house, "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f").body == archive.body);
}

TEST_CASE("an image of another kind starts nobody") {
  House house;
  add_image(house, {"arguments", "initrd", "root.squashfs"});
  publish_netbooted(house);
  const ToldFirmware told = ask_as_firmware(house, asked_by_n1);
  CHECK(told.status == 200);
  CHECK(told.has(
      "image-tower 20261202.050000 has no file vmlinuz: expected an image of `muster image build --kind netboot`"));
}
