#include "records/published_document.hpp"

#include "document/signed_document.hpp"
#include "records/record_fields.hpp"

namespace muster {
namespace {

constexpr auto published_document_fields = [](auto& fields, auto& document) {
  fields.text("content", document.content);
  fields.text("digest", document.digest);
  fields.text("envelope", document.envelope);
  fields.number("generation", document.generation);
  fields.number("format", document.format, Presence::if_set, 1);
};

}  // namespace

std::string to_json(const PublishedDocument& document) {
  return record_text(document, published_document_fields);
}

Result<PublishedDocument> parse_published_document(std::string_view json) {
  // The envelope is a text inside: escaping its quotes makes it a little larger.
  return parse_record<PublishedDocument>("published document", json, published_document_fields,
                                         {2 * maximum_envelope_size, 2});
}

}  // namespace muster
