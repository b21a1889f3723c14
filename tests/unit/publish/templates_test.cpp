#include "publish/templates.hpp"

#include "sample_site.hpp"
#include "unit/records/stored_record.hpp"

using namespace muster;

TEST_CASE("a template's record") {
  const auto pool = [](const std::string& name, const std::string& role) {
    return fmt::format(
        "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {{name: {0}}}\nspec: {{cluster: small, role: {1}, namePattern: '{0}-{{index}}', maximum: 5, addressRanges: [10.77.1.0/24], proofs: [token]}}\n",
        name, role);
  };
  const std::string file = sample::cluster("  nodeCidr: 10.77.0.0/16\n", "small") +
                           pool("m", "master") + pool("w", "node");
  const std::string golden = fmt::format(
      R"({{"files":{{"small.yaml":{}}},"name":"small","setAt":5,"setBy":"operator anna"}})",
      json_string(file));
  StoredRecord record{"template record", golden,
                      [](const std::string& text) -> Result<std::string> {
                        MemoryStore store;
                        Transaction transaction;
                        transaction.put(kinds::cluster_template, "small", text);
                        REQUIRE(store.commit(transaction));
                        const auto made = find_template(store, "small");
                        if (!made) return pass(made.error());
                        const auto set = set_template(store, *made, sample::now);
                        if (!set) return pass(set.error().error);
                        return store.get(kinds::cluster_template, "small")->value;
                      }};
  record.maps = {"/files"};
  check_stored(record);
}
