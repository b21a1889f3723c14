// One signed document or peer list as it lies in the store: kinds "document" and "peers".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

struct PublishedDocument {
  std::string content;   // digest of the canonical bytes with generation 0: did it change?
  std::string digest;    // of the signed payload: the ETag
  std::string envelope;  // JSON, as it is served
  std::uint64_t generation = 0;
  std::uint32_t format = 1;  // document/document_format
};

[[nodiscard]] std::string to_json(const PublishedDocument& document);
[[nodiscard]] Result<PublishedDocument> parse_published_document(std::string_view json);

}  // namespace muster
