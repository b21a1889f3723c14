#include "boot/machine_archive.hpp"

#include <doctest/doctest.h>

#include <map>

#include "sample_machine.hpp"

using namespace muster;

namespace {

struct Entry {
  unsigned long mode = 0;
  std::string content;
};

unsigned long number_at(const std::string& archive, std::size_t at) {
  return std::stoul(archive.substr(at, 8), nullptr, 16);
}

std::size_t padded(std::size_t at) {
  return (at + 3) / 4 * 4;
}

// As the kernel reads it (init/initramfs.c): the number of a field is its place behind the magic.
std::map<std::string, Entry> unpacked(const std::string& archive) {
  std::map<std::string, Entry> entries;
  for (std::size_t at = 0;;) {
    REQUIRE(archive.substr(at, 6) == "070701");
    const auto field = [&](std::size_t index) { return number_at(archive, at + 6 + 8 * index); };
    const std::size_t name_at = at + 110, content_at = padded(name_at + field(11));
    const std::string name = archive.substr(name_at, field(11) - 1);
    REQUIRE(archive[name_at + name.size()] == '\0');
    if (name == "TRAILER!!!") {
      CHECK(content_at == archive.size());
      return entries;
    }
    CHECK(field(2) == 0);  // root's
    entries[name] = {field(1), archive.substr(content_at, field(6))};
    at = padded(content_at + field(6));
  }
}

}  // namespace

TEST_CASE("the archive has the settings for root alone, the name, and no token") {
  const auto entries = unpacked(machine_archive(sample::machine(), sample::site));
  CHECK(entries.size() == 3);
  CHECK(entries.at("muster").mode == 0040700);
  CHECK(entries.at("muster/agent.json").mode == 0100600);
  CHECK(
      entries.at("muster/agent.json").content ==
      "{\n  \"enrolServers\": [\n    \"https://10.77.0.1:8443\",\n    \"https://[fd00::1]:8443\"\n  ],\n  \"sitePin\": \"" +
          sample::site.pin + "\"\n}\n");
  CHECK(entries.at("muster/hostname").mode == 0100644);
  CHECK(entries.at("muster/hostname").content == "n1\n");
}

TEST_CASE("a claim is in the settings, and nowhere else") {
  const std::string archive = machine_archive(sample::machine(), sample::site, "muster1.x.y");
  CHECK(unpacked(archive).at("muster/agent.json").content.find("\"token\": \"muster1.x.y\"") !=
        std::string::npos);
  CHECK(archive.find("muster1.x.y") == archive.rfind("muster1.x.y"));
}

TEST_CASE("the disk that keeps its state is a file of lines") {
  StateDiskOrder order{StateDisk{{}, {}, "/dev/disk/by-path/pci-0000:01:00.0-nvme-1"}, {}};
  const auto text = [&] {
    return unpacked(machine_archive(sample::machine(), sample::site, "", order))
        .at("muster/state-disk")
        .content;
  };
  CHECK(text() == "machine lab/n1\ncreate never\npath /dev/disk/by-path/pci-0000:01:00.0-nvme-1\n");
  order = {StateDisk{"S 1", {}, {}, "wipe"}, DiskWipe{1764700000000007, "S 1"}};
  CHECK(text() == "machine lab/n1\ncreate wipe\nserial S 1\nwipe 1764700000000007 S 1\n");
}
