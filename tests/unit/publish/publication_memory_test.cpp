// What one reads, the next has; what is another text, or of another digest, is read anew.
#include "publish/publication_memory.hpp"

#include "sample_site.hpp"

using namespace muster;

namespace {
std::string record_of(std::uint64_t number) {
  ClusterRecord record;
  record.name = "lab";
  record.revision_number = number;
  return to_json(record);
}
}  // namespace

TEST_CASE("a cluster's record is read once while it is the same") {
  PublicationMemory memory;
  const auto first = memory.read_cluster("lab", record_of(1)).value();
  CHECK(first->revision_number == 1);
  CHECK(memory.read_cluster("lab", record_of(1)).value() == first);
  CHECK(memory.read_cluster("lab", record_of(2)).value()->revision_number == 2);
  memory.forget("lab");
  CHECK(memory.read_cluster("lab", record_of(2)).value()->revision_number == 2);
  CHECK_FALSE(memory.read_cluster("lab", "{}"));
}

TEST_CASE("an inventory is known by its digest, while its cluster is there") {
  PublicationMemory memory;
  const auto inventory = std::make_shared<const Inventory>();
  memory.remember("lab", "sha256:1", inventory);
  CHECK(memory.inventory("lab", "sha256:1") == inventory);
  CHECK(memory.inventory("lab", "sha256:2") == nullptr);
  CHECK(memory.inventory("other", "sha256:1") == nullptr);
  memory.forget("lab");
  CHECK(memory.inventory("lab", "sha256:1") == nullptr);
}

TEST_CASE("what was published is not read again to publish it anew") {
  sample::Site site;
  site.publish(sample::small_inventory());
  const auto& memory = site.context.memory;
  const auto first = memory->revision(site.store, "lab", 1).value();
  CHECK(first->inventory == memory->inventory("lab", inventory_digest(first->revision.files, 0)));
  site.set_banned("n1", true);
  sample::Site::must(republish(site.context, "lab", "server"));
  CHECK(memory->revision(site.store, "lab", 1).value() == first);
  CHECK(memory->cluster(site.store, "lab").value().record.inventory ==
        inventory_digest(first->revision.files, 0));
}
