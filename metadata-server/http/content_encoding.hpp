// What a client says of the representation that it would take, as far as artifacts and documents
// need it (RFC 9110). Pure. What does not follow the grammar says nothing.
#pragma once

#include <string_view>

namespace muster {

// Accept-Encoding (12.5.3) names `coding` itself, and nowhere with a weight of 0. "*" names
// nothing: a client that takes whatever comes is served plain.
[[nodiscard]] bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

// If-None-Match (13.1.2) names `etag`, weak or not, or is "*".
[[nodiscard]] bool none_match_names(std::string_view if_none_match, std::string_view etag);

}  // namespace muster
