#include "records/bans.hpp"

#include <algorithm>

#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<std::vector<std::string>> banned_machines(const Store& store, const std::string& cluster,
                                                 const std::vector<std::string>& published) {
  const std::string prefix = kinds::prefix_of(cluster);
  const auto records = all_records(store, kinds::machine, prefix);
  if (!records) return pass(records.error());
  std::vector<std::string> names;
  for (const auto& record : *records) {
    // Canonical text says so in these bytes and in no others: inside of texts quotes are escaped.
    const auto says = [&](std::string_view bytes) {
      return record.value.find(bytes) != std::string::npos;
    };
    if (says(R"("banned":false)")) continue;
    std::string node = record.key.substr(prefix.size());
    const bool is_banned =
        says(R"("banned":true)") || std::binary_search(published.begin(), published.end(), node);
    if (is_banned) names.push_back(std::move(node));
  }
  return names;
}

}  // namespace muster
