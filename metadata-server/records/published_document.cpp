#include "records/published_document.hpp"

#include "document/json_object.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

std::string to_json(const PublishedDocument& document) {
  nlohmann::json value = {{"content", document.content},
                          {"digest", document.digest},
                          {"envelope", document.envelope},
                          {"generation", document.generation}};
  if (document.format != 1) value["format"] = document.format;
  return canonical_text(value);
}

Result<PublishedDocument> parse_published_document(std::string_view json) {
  // The envelope is a text inside: escaping its quotes makes it a little larger.
  const auto value = parse_strict_json("published document", json, {2 * maximum_envelope_size, 2});
  if (!value) return pass(value.error());
  PublishedDocument document;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("content", document.content);
  root.text("digest", document.digest);
  root.text("envelope", document.envelope);
  root.number("generation", document.generation);
  root.number("format", document.format, Need::optional);
  root.close();
  if (!problems.empty()) return fail("published document", problems);
  return document;
}

Result<std::map<std::string, PublishedDocument>> load_published_documents(
    const Store& store, const std::string& cluster) {
  const auto records = all_records(store, kinds::document, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::map<std::string, PublishedDocument> documents;
  for (const auto& record : *records) {
    auto document = parse_published_document(record.value);
    if (!document) continue;  // its machine's next one takes its place
    if (const auto name = kinds::parse_pair_key(record.key)) {
      documents[name->second] = std::move(*document);
    }
  }
  return documents;
}

}  // namespace muster
