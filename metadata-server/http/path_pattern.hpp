// Matches a request's path to a route's pattern, segment by segment. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

// `pattern` "/v1/operator/nodes/:cluster/:node"; `path` as sent. Percent-encodings are decoded
// within a segment only, so no encoding makes or removes a slash; a parameter is 1 to 128 of
// [A-Za-z0-9._:@~-] and neither "." nor "..". A last segment "*rest" takes such segments until the
// end, without the slash before them; an empty one may be first (a client that joins with a slash
// too many) or last (a folder). nullopt: no match.
[[nodiscard]] std::optional<std::map<std::string, std::string>> match_path(std::string_view pattern,
                                                                           std::string_view path);
// Its last segment is "*rest".
[[nodiscard]] bool takes_any_rest(std::string_view pattern);

}  // namespace muster
