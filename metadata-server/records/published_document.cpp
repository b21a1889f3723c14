#include "records/published_document.hpp"

#include "document/json_object.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"

namespace muster {

// As canonical_text would write it.
std::string to_json(const PublishedDocument& document) {
  return fmt::format(R"({{"content":{},"digest":{},"envelope":{}{},"generation":{}}})",
                     json_string(document.content), json_string(document.digest),
                     json_string(document.envelope),
                     document.format == 1 ? "" : fmt::format(R"(,"format":{})", document.format),
                     document.generation);
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

}  // namespace muster
