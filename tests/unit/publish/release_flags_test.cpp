// The flags of releases, from their artifacts in the store to what `apply` is held to.
#include "publish/release_flags.hpp"

#include "sample_site.hpp"

using namespace muster;

namespace {

const std::string flags_of_etcd =
    R"({"apiVersion":"muster/v1","kind":"ReleaseFlags","programs":{"etcd":{"of-its-own":"int"}}})";

struct Stored {
  sample::Site site;
  ScratchFolder folder;
  ArtifactStore artifacts = ArtifactStore::open(folder.path("artifacts")).value();
  ReleaseFlagsReader reader{site.store, artifacts};

  void add(const std::string& version, const std::string& text, bool is_kept = true) {
    if (is_kept) {
      auto import = artifacts.begin_import(sha256_digest(text), text.size());
      REQUIRE(import);
      REQUIRE(import->write(text));
      REQUIRE(import->finish());
    }
    Release release;
    release.name = "etcd";
    release.version = version;
    release.artifacts = {{"bin/etcd", ArtifactKind::file, "0755", sha256_digest(version), 100},
                         {std::string(release_flags_path), ArtifactKind::file, "0644",
                          sha256_digest(text), text.size()}};
    Transaction transaction;
    transaction.put(kinds::release, kinds::pair_key("etcd", version), to_canonical_json(release));
    REQUIRE(site.store.commit(transaction));
  }
};

std::string with_etcd(const std::string& flag, const std::string& version) {
  return sample::cluster("  componentArguments: {etcd: {" + flag +
                         ": 1}}\n  releases: {etcd: " + version + "}\n") +
         sample::node("m1", "master", 11);
}

}  // namespace

TEST_CASE("what is no file of flags, or lost, or too large, is as if there was none") {
  Stored stored;
  stored.add("9.0.0", flags_of_etcd);
  stored.add("9.1.0", "{}");
  stored.add("9.2.0", flags_of_etcd + " ", false);
  stored.add("9.3.0", flags_of_etcd + std::string(maximum_release_flags, ' '));
  for (int time = 0; time < 2; ++time) {
    const auto flags = stored.reader.read();
    REQUIRE(flags.size() == 1);
    CHECK(flags.begin()->first.second == "9.0.0");
    CHECK(flags.begin()->second->at("etcd").at("of-its-own").type == "int");
  }
}

TEST_CASE("a publication is held to the flags of the release that machines are to run") {
  Stored stored;
  stored.add("9.0.0", flags_of_etcd);
  stored.site.context.release_flags = [&] { return stored.reader.read(); };
  CHECK(stored.site.publish(with_etcd("of-its-own", "9.0.0")).warnings.empty());
  const auto refused =
      publish(stored.site.context, stored.site.request(with_etcd("snapshot-count", "9.0.0")));
  REQUIRE(!refused);
  REQUIRE(refused.error().problems.size() == 1);
  CHECK(refused.error().problems[0].expected == "a flag of etcd 9.0.0");
}

TEST_CASE("a rule that a release brings stops no ban of what is published") {
  Stored stored;
  // Published while nobody knew better: a warning.
  stored.add("9.0.0", "{}");
  const std::string text = with_etcd("bogus", "9.0.0") + sample::node("n1", "node", 21);
  CHECK(stored.site.publish(text).warnings.size() == 1);
  stored.site.context.release_flags = [] {
    return ReleaseFlags{
        {{"etcd", "9.0.0"},
         std::make_shared<const ProgramFlags>(*parse_release_flags(flags_of_etcd))}};
  };
  // What was read before is no excuse: another process would read it anew.
  stored.site.context.memory = std::make_shared<PublicationMemory>();
  stored.site.set_banned("n1", true);
  const auto banned = republish(stored.site.context, "lab", "operator anna");
  REQUIRE_MESSAGE(banned, banned.error().error.message);
  CHECK(stored.site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
  // Applied anew, it is refused.
  const auto refused = publish(stored.site.context, stored.site.request(text));
  REQUIRE(!refused);
  CHECK(refused.error().problems.at(0).found == "'bogus'");
}
