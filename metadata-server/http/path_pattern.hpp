// Matches a request's path to a route's pattern, segment by segment. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

// `pattern` "/v1/operator/nodes/:cluster/:node"; `path` as sent. Percent-encodings are decoded
// once, and within a segment only, so no encoding makes or removes a slash. ":name" is 1 to 128 of
// [A-Za-z0-9._:@~-] and neither "." nor "..". "+name" is free text, for what hardware says of
// itself: 1 to 128 bytes without control characters, of as many segments as the pattern behind it
// leaves (one before a "*rest"), where a "%" that begins no escape is itself. A last segment
// "*rest" takes segments as ":name" has them until the end, without the slash before them; the last
// one may be empty (a folder). nullopt: no match.
[[nodiscard]] std::optional<std::map<std::string, std::string>> match_path(std::string_view pattern,
                                                                           std::string_view path);
// Clients that put a URL together write slashes twice, and take no redirection for it.
[[nodiscard]] std::string one_slash_each(std::string_view path);
// Its last segment is "*rest".
[[nodiscard]] bool takes_any_rest(std::string_view pattern);

}  // namespace muster
