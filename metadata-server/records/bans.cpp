#include "records/bans.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<std::vector<std::string>> banned_machines(const Store& store, const std::string& cluster) {
  const auto records = all_records(store, kinds::machine, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::vector<std::string> names;
  for (const auto& record : *records) {
    // Canonical text says so in these bytes and in no others; most machines are spared the reading.
    if (record.value.find(R"("banned":true)") == std::string::npos) continue;
    const std::string what = fmt::format("machine '{}'", record.key);
    const auto value = parse_strict_json(what, record.value);
    if (!value) return fail(ErrorKind::corrupt, value.error().message);
    std::vector<Problem> problems;
    JsonObject root(*value, "", problems, UnknownFields::ignored);
    bool is_banned = false;
    std::string node;
    root.flag("banned", is_banned);
    root.text("node", node);
    if (!problems.empty()) return fail(ErrorKind::corrupt, fail(what, problems).value().message);
    if (is_banned) names.push_back(std::move(node));
  }
  return names;
}

}  // namespace muster
