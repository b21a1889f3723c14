#include "agent/state/checkpoint.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/paths.hpp"
#include "agent/state/checkpoint_json.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

TEST_CASE("a checkpoint survives the disk and is written only when it changed") {
  FakeFilesystem files;
  Checkpoint checkpoint;
  checkpoint.document_generation = 7;
  checkpoint.units["etcd.service"] = {"a", "b", {{"runc", "sha256:r"}}};
  checkpoint.releases["etcd/3.6"] = {"sha256:x", {{"bin/etcd", "1:2:3"}}, {{"nft", "1.0"}}};
  checkpoint.secrets["/etc/key"] = 3;
  checkpoint.images = {{"sha256:i", {"sha256:m"}}, {"sha256:old", {}}};
  checkpoint.restarts = {{"etcd.service", {4, {1700000000, 1700000060}}}};
  checkpoint.etcd_start = {"existing", "m1=https://a:2380"};
  CHECK(to_json(checkpoint).find("nodeRestarts") == std::string::npos);  // left out at its default
  checkpoint.node_restarts = {2, 1'790'000'000};
  checkpoint.etcd_address = "10.77.0.11";
  REQUIRE(save(checkpoint, files));
  const auto loaded = load_checkpoint(files);
  REQUIRE(loaded);
  CHECK(to_json(*loaded) == to_json(checkpoint));
  const auto changes = files.changes.size();
  REQUIRE(save(*loaded, files));
  CHECK(files.changes.size() == changes);
}

TEST_CASE("a checkpoint of before packages' versions were noted calls all of them Muster's") {
  FakeFilesystem files;
  Checkpoint checkpoint;
  checkpoint.releases["host-tools/1"] = {"sha256:x", {}, {{"nftables", "1.0"}}};
  std::string text = to_json(checkpoint);
  CHECK(parse_checkpoint(text)->package_versions.empty());
  const std::string field = R"("packageVersions":{},)";
  text.erase(text.find(field), field.size());
  CHECK(parse_checkpoint(text)->package_versions ==
        std::map<std::string, std::string>{{"nftables", "1.0"}});
}

TEST_CASE("a unit's record of an earlier agent is read") {
  std::string text = to_json(Checkpoint{});
  const std::string none = R"("units":{})";
  text.replace(
      text.find(none), none.size(),
      R"("units":{"etcd.service":{"certificates":"c","configuration":"a","reloaded":"b"}})");
  const auto read = parse_checkpoint(text);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->units.at("etcd.service").configuration == "a");
  CHECK(read->units.at("etcd.service").reloaded == "b");
  CHECK(read->units.at("etcd.service").tools.empty());
}

TEST_CASE("no checkpoint is an empty one, a damaged one is refused with its cure") {
  FakeFilesystem files;
  CHECK(load_checkpoint(files)->document_generation == 0);
  Checkpoint checkpoint;
  const std::string good = to_json(checkpoint);
  for (std::size_t length = 0; length < good.size(); ++length) {
    files.put(paths::checkpoint, good.substr(0, length));
    const auto loaded = load_checkpoint(files);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().kind == ErrorKind::corrupt);
    CHECK(loaded.error().message.find(
              "to start over from the server's documents: rm /var/lib/muster/checkpoint.json") !=
          std::string::npos);
  }
}

TEST_CASE("a first boot knows the stamps of its image, and hashes where they cannot be read") {
  FakeFilesystem files;
  const std::string good =
      R"({"releases":{"etcd/3.6":{"files":{"bin/etcd":"1:2:3"},"manifestDigest":"sha256:x","packages":{}}},"version":"1"})";
  files.put(paths::carried_releases, good);
  const auto fresh = load_checkpoint(files);
  REQUIRE(fresh);
  REQUIRE(fresh->releases.size() == 1);
  CHECK(fresh->releases.at("etcd/3.6").manifest_digest == "sha256:x");
  CHECK(fresh->releases.at("etcd/3.6").files.at("bin/etcd") == "1:2:3");
  // A newer image's: what is more is passed over, what means something else has another version.
  std::string newer = good;
  newer.replace(1, 0, R"("madeBy":"x",)").replace(newer.find(R"("files")"), 0, R"("verity":1,)");
  files.put(paths::carried_releases, newer);
  CHECK(load_checkpoint(files)->releases.size() == 1);
  files.put(paths::carried_releases, newer.replace(newer.rfind("\"1\""), 3, "\"2\""));
  CHECK(load_checkpoint(files)->releases.empty());
  for (std::size_t length = 0; length < good.size(); ++length) {
    files.put(paths::carried_releases, good.substr(0, length));
    CHECK(load_checkpoint(files)->releases.empty());
  }
  // Only the first boot asks: what the machine noted itself wins.
  files.put(paths::carried_releases, good);
  files.put(paths::checkpoint, to_json(Checkpoint{}));
  CHECK(load_checkpoint(files)->releases.empty());
}

TEST_CASE("a checkpoint from before manifests and restarts were noted is read") {
  Checkpoint checkpoint;
  checkpoint.images = {{"sha256:i", {"sha256:m"}}};
  auto old = nlohmann::json::parse(to_json(checkpoint));
  CHECK(old["images"] == nlohmann::json{"sha256:i"});
  REQUIRE(old.erase("imageManifests") == 1);
  REQUIRE(old.erase("restarts") == 1);
  const auto read = parse_checkpoint(old.dump());
  REQUIRE(read);
  CHECK(read->images.at("sha256:i").empty());
  CHECK(read->restarts.empty());
  for (const char* odd : {"[]", "{\"a\":1}", "{\"a\":{\"count\":-1,\"at\":[]}}"}) {
    old["restarts"] = nlohmann::json::parse(odd);
    CHECK(parse_checkpoint(old.dump())->restarts.empty());
  }
}

TEST_CASE("what a newer agent noted is kept, for as long as what it belongs to is there") {
  Checkpoint checkpoint;
  checkpoint.units["etcd.service"] = {"a", "b", {}};
  checkpoint.units["kubelet.service"] = {"d", "e", {}};
  auto json = nlohmann::json::parse(to_json(checkpoint));
  json["fallenBack"] = {{"digest", "sha256:x"}, {"tries", {1, 2}}};
  json["units"]["etcd.service"]["restarts"] = 4;
  json["units"]["kubelet.service"]["restarts"] = 5;
  json["etcdStart"]["a/b~c"] = nullptr;
  auto read = parse_checkpoint(json.dump());
  REQUIRE(read);
  CHECK(nlohmann::json::parse(to_json(*read)) == json);
  FakeFilesystem files;
  files.put(paths::checkpoint, json.dump());
  REQUIRE(save(*load_checkpoint(files), files));
  CHECK(files.changes.empty());
  read->units.erase("kubelet.service");
  json["units"].erase("kubelet.service");
  CHECK(nlohmann::json::parse(to_json(*read)) == json);
}
