#include "publish/release_removal.hpp"

#include "artifact/catalogue.hpp"
#include "records/audit.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

struct House {
  Site site;
  ScratchFolder folder;
  ArtifactStore artifacts = ArtifactStore::open(folder.path()).value();
  ReleaseStores stores{site.store, artifacts, site.current};

  [[nodiscard]] std::string prune(bool dry_run) const {
    const auto pruned = prune_releases(stores, "operator anna", sample::now, dry_run);
    REQUIRE(pruned);
    std::string text;
    for (const auto& [name, version] : pruned->releases) text += name + " " + version + "\n";
    return text;
  }
  [[nodiscard]] std::string refusal(const std::string& name, const std::string& version) const {
    const auto removed = remove_release(stores, {name, version}, "operator anna", sample::now);
    REQUIRE_FALSE(removed);
    return removed.error().message;
  }
  [[nodiscard]] bool has(const std::string& name, const std::string& version) const {
    return load_catalogue(site.store)->find(name, version).has_value();
  }
};

}  // namespace

TEST_CASE("prune tells what would go, and then that it went") {
  House house;
  house.site.publish(sample::small_inventory());  // runc 1.0.0
  house.site.add_release("runc", "2.0.0");
  house.site.add_release("runc", "3.0.0");
  CHECK(house.prune(true) == "runc 2.0.0\n");
  CHECK(house.has("runc", "2.0.0"));
  CHECK(house.prune(false) == "runc 2.0.0\n");
  CHECK_FALSE(house.has("runc", "2.0.0"));
  CHECK(house.has("runc", "1.0.0"));  // served
  CHECK(house.has("runc", "3.0.0"));  // the newest
  CHECK(house.prune(false).empty());
}

TEST_CASE("a release that was imported by mistake can be taken out, one that is needed cannot") {
  House house;
  house.site.publish(sample::small_inventory());
  house.site.add_release("runc", "9.9.9");
  REQUIRE(remove_release(house.stores, {"runc", "9.9.9"}, "operator anna", sample::now));
  CHECK_FALSE(house.has("runc", "9.9.9"));
  const auto rows = list_audit(house.site.store, "", 100).value();
  CHECK(std::any_of(rows.begin(), rows.end(),
                    [](const AuditRow& row) { return row.action == "release-removed"; }));
  CHECK(house.refusal("runc", "1.0.0") ==
        "release runc 1.0.0: machines of 'lab' are served it; it stays");
  house.site.add_release("runc", "2.0.0");
  auto request = house.site.request(sample::small_inventory());
  request.upgrades = {"runc"};
  Site::must(publish(house.site.context, request));
  CHECK(house.refusal("runc", "1.0.0") ==
        "release runc 1.0.0: revision 1 of 'lab' can be gone back to and needs it; it stays");
  CHECK(house.refusal("runc", "7.0.0").starts_with("release runc 7.0.0: not in the store"));
}

TEST_CASE("a revision that cannot be read holds up no removal; a release that cannot, a prune") {
  House house;
  house.site.publish(sample::small_inventory());
  house.site.publish(sample::small_inventory(", labels: {rack: r2}"));
  house.site.add_release("runc", "2.0.0");
  house.site.add_release("runc", "3.0.0");
  house.site.add_release("runc", "4.0.0");
  Transaction spoil;
  spoil.put(kinds::revision, kinds::revision_key("lab", 1), "{\"broken");
  REQUIRE(house.site.store.commit(spoil));
  CHECK(house.prune(true) == "runc 2.0.0\nrunc 3.0.0\n");
  REQUIRE(remove_release(house.stores, {"runc", "2.0.0"}, "operator anna", sample::now));
  // Its files are known to nobody, and would go.
  Transaction spoil_release;
  spoil_release.put(kinds::release, "runc/3.0.0", "{\"broken");
  REQUIRE(house.site.store.commit(spoil_release));
  const auto refused = prune_releases(house.stores, "operator anna", sample::now, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::conflict);
  CHECK(refused.error().message.starts_with(
      "release runc 3.0.0: its record cannot be read; import it again with `muster release import`: "));
  REQUIRE(remove_release(house.stores, {"runc", "4.0.0"}, "operator anna", sample::now));
}
