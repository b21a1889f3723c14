// Bodies and query values as handlers read and write them. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "document/json_object.hpp"
#include "http/request.hpp"
#include "result/result.hpp"

namespace muster {

[[nodiscard]] Response json_response(const nlohmann::json& value, int status = 200);
[[nodiscard]] Response text_response(std::string json, int status = 200);

// The body as strict JSON; an empty body reads as {}, and 857.0 as 857. `read` is called with the
// root object; unknown fields and every problem are refused at once, naming `what`.
template <class Read>
[[nodiscard]] Result<void> read_json_body(std::string_view what, const Request& request, Read read);

// `?name=value` as text; "" when it is not there. Error invalid where it is required and missing or
// empty.
[[nodiscard]] Result<std::string> query_text(const Request& request, const std::string& name,
                                             Need need);
// `fallback` when it is not there.
[[nodiscard]] Result<std::uint64_t> query_number(const Request& request, const std::string& name,
                                                 std::uint64_t fallback);

namespace detail {
[[nodiscard]] Result<nlohmann::json> parse_body(std::string_view what, const Request& request);
[[nodiscard]] Result<void> refuse_problems(std::string_view what,
                                           const std::vector<Problem>& problems);
}  // namespace detail

template <class Read>
Result<void> read_json_body(std::string_view what, const Request& request, Read read) {
  const auto json = detail::parse_body(what, request);
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  read(root);
  root.close();
  return detail::refuse_problems(what, problems);
}

}  // namespace muster
