#include "records/secrets.hpp"

#include "publish/secret_removal.hpp"

#include "fakes/unreadable.hpp"
#include "records/audit.hpp"
#include "sample_site.hpp"

using namespace muster;

namespace {

constexpr auto actor = "operator anna";

struct Box {
  MemoryStore store;
  SealingKey sealing{random_bytes(32)};
  Result<std::uint64_t> set(const std::string& value, const std::string& name = "db") {
    return set_secret(store, sealing, "lab", name, value, actor, sample::now);
  }
};

}  // namespace

TEST_CASE("versions grow with the value alone") {
  Box box;
  CHECK(box.set("one").value() == 1);
  CHECK(box.set("one").value() == 1);
  CHECK(box.set("two").value() == 2);
  CHECK(get_secret(box.store, box.sealing, "lab", "db", 1).value() == "one");
  CHECK(get_secret(box.store, box.sealing, "lab", "db", 2).value() == "two");
  CHECK(
      get_secret(box.store, box.sealing, "lab", "db", 3).error().message ==
      "secret 'db' of cluster 'lab': there is no version 3. Set it with `muster secret set` and apply.");
  const auto rows = list_audit(box.store, "", 10);
  REQUIRE(rows->size() == 2);
  for (const auto& row : *rows) {
    CHECK(row.action == "secret-set");
    CHECK(row.subject == "lab/db");
    CHECK((row.detail == "version 1" || row.detail == "version 2"));
  }
}

TEST_CASE("a value moved to another row does not open") {
  Box box;
  REQUIRE(box.set("one"));
  const auto record = box.store.get(kinds::secret, kinds::secret_key("lab", "db", 1));
  CHECK(record->value.find("one") == std::string::npos);
  Transaction transaction;
  transaction.put(kinds::secret, kinds::secret_key("lab", "other", 1), record->value);
  REQUIRE(box.store.commit(transaction));
  CHECK(get_secret(box.store, box.sealing, "lab", "other", 1).error().kind == ErrorKind::corrupt);
}

TEST_CASE("a removed secret is gone, and its count goes on") {
  Box box;
  REQUIRE(box.set("one"));
  REQUIRE(box.set("two"));
  REQUIRE(box.set("x", "db-2"));
  REQUIRE(remove_secret(box.store, "lab", "db", actor, sample::now));
  CHECK_FALSE(get_secret(box.store, box.sealing, "lab", "db", 1));
  CHECK_FALSE(get_secret(box.store, box.sealing, "lab", "db", 2));
  auto list = list_secrets(box.store, "lab");
  REQUIRE(list->size() == 1);
  CHECK((*list)[0].name == "db-2");
  const auto rows = list_audit(box.store, "", 10)->size();
  const auto again = remove_secret(box.store, "lab", "db", actor, sample::now);
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::not_found);
  CHECK(
      remove_secret(box.store, "lab", "bd-2", actor, sample::now).error().message ==
      "cluster 'lab' has no secret 'bd-2', did you mean 'db-2'?; `muster secret list --cluster lab` shows them all");
  CHECK(
      remove_secret(box.store, "lab", "never-was", actor, sample::now).error().message ==
      "cluster 'lab' has no secret 'never-was'; `muster secret list --cluster lab` shows them all");
  CHECK(list_audit(box.store, "", 10)->size() == rows);
  CHECK(box.set("two").value() == 3);
  list = list_secrets(box.store);
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].name == "db");
  CHECK((*list)[0].version == 3);
}

TEST_CASE("names and sizes are checked") {
  Box box;
  CHECK(
      box.set("x", "../up").error().message ==
      "secret '../up' of cluster 'lab': expected names of lower-case letters, digits and '-', at most 63");
  CHECK(box.set("").error().message ==
        "secret 'db' of cluster 'lab': expected 1 to 262144 bytes, found 0");
  CHECK_FALSE(box.set(std::string(262145, 'x')));
}

TEST_CASE("a secret that a published document names is not removed") {
  sample::Site site;
  REQUIRE(set_secret(site.store, site.sealing, "lab", "db", "x", actor, sample::now));
  site.publish(
      sample::small_inventory(", overrides: {files: [{path: /etc/db, content: {secretRef: db}}]}"));
  CHECK(site.document("n1").config.secrets.at(0).name == "db");
  CHECK(
      remove_secret(site.store, "lab", "db", actor, sample::now).error().message ==
      "secret 'db' of cluster 'lab': machine 'n1' uses it. Take it out of the inventory and apply, then remove it.");
  site.publish(sample::small_inventory());
  CHECK(remove_secret(site.store, "lab", "db", actor, sample::now));
}

TEST_CASE("what the server makes for itself is nobody's to set or to remove") {
  Box box;
  for (const char* name : {"service-account-key", "encryption-configuration"}) {
    const auto set = box.set("junk", name);
    REQUIRE_FALSE(set);
    CHECK(
        set.error().message ==
        fmt::format(
            "secret '{}' of cluster 'lab': the server makes it and keeps it by itself, for the masters alone. Take another name.",
            name));
    CHECK(remove_secret(box.store, "lab", name, actor, sample::now).error().kind ==
          ErrorKind::conflict);
  }
  CHECK(box.store.count(kinds::secret).value() == 0);
}

TEST_CASE("no inventory gives a machine what the server keeps for the masters") {
  sample::Site site;
  const auto refused = publish(
      site.context,
      site.request(sample::small_inventory(
          ", overrides: {files: [{path: /etc/x, content: {secretRef: service-account-key}}], containerd: {registryCredentials: {'r.example': {secretRef: encryption-configuration}}}}")));
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().problems.size() == 2);
  CHECK(
      to_text(refused.error().problems[0])
          .find(
              "spec.overrides.files[0].content.secretRef: expected a secret that 'muster secret set' made, found 'service-account-key'; the server makes that one for the masters alone; take another name") !=
      std::string::npos);
}

TEST_CASE("a version that cannot be read gives way to a new value, or to the removal") {
  Box box;
  REQUIRE(box.set("one"));
  REQUIRE(box.set("two"));
  make_unreadable(box.store, kinds::secret, kinds::secret_key("lab", "db", 2));
  CHECK_FALSE(list_secrets(box.store, "lab"));
  SUBCASE("set") {
    CHECK(box.set("two").value() == 3);
    CHECK(box.store.get(kinds::secret, kinds::secret_key("lab", "db", 2)).error().kind ==
          ErrorKind::not_found);
    const auto list = list_secrets(box.store, "lab");
    REQUIRE(list->size() == 1);
    CHECK(list->front().version == 3);
  }
  SUBCASE("removed") {
    REQUIRE(remove_secret(box.store, "lab", "db", actor, sample::now));
    CHECK(list_secrets(box.store, "lab")->empty());
    CHECK(box.set("two").value() == 3);
  }
}

TEST_CASE("an old version that cannot be read is not asked for") {
  Box box;
  REQUIRE(box.set("one"));
  REQUIRE(box.set("two"));
  make_unreadable(box.store, kinds::secret, kinds::secret_key("lab", "db", 1));
  const auto list = list_secrets(box.store, "lab");
  REQUIRE(list);
  REQUIRE(list->size() == 1);
  CHECK(list->front().version == 2);
}
