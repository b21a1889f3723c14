#include "http/node_page.hpp"

#include <algorithm>

#include "document/problem.hpp"
#include "http/json_body.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr std::uint64_t most_nodes = 100000;
}

Result<NodeQuery> read_node_query(const Request& request) {
  NodeQuery query;
  std::string after;
  for (const auto& [field, target] : {std::pair{"cluster", &query.cluster},
                                      std::pair{"node", &query.node}, std::pair{"after", &after}}) {
    auto text = query_text(request, field, Need::optional);
    if (!text) return pass(text.error());
    *target = std::move(*text);
  }
  const auto limit = query_number(request, "limit", most_nodes);
  if (!limit) return pass(limit.error());
  query.limit = std::clamp<std::uint64_t>(*limit, 1, most_nodes);
  if (after.empty()) return query;
  const auto name = kinds::parse_pair_key(after);
  if (!name)
    return fail(
        ErrorKind::invalid,
        fmt::format("after: expected CLUSTER/NODE as `next` of the page before has it, found {}",
                    in_ticks(after)));
  query.after = {name->first, name->second};
  return query;
}

NodePage page_of(const ServedCluster& served, const std::string& cluster, const NodeQuery& query,
                 std::size_t limit) {
  NodePage page;
  const std::string after = cluster == query.after.cluster ? query.after.node : std::string();
  if (!query.node.empty()) {
    auto answer = served.documents.find(query.node);
    if (answer && query.node > after && limit > 0) page.emplace_back(query.node, std::move(answer));
    return page;
  }
  for (const auto& [node, answer] : served.documents) {
    if (node > after) page.emplace_back(node, answer);
  }
  const auto by_name = [](const auto& left, const auto& right) { return left.first < right.first; };
  const std::size_t shown = std::min(limit, page.size());
  std::nth_element(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(shown), page.end(),
                   by_name);
  page.resize(shown);
  std::sort(page.begin(), page.end(), by_name);
  return page;
}

Result<std::map<std::string, FoundMachine>> machines_of(const Store& store,
                                                        const std::string& cluster,
                                                        const NodePage& page) {
  std::map<std::string, FoundMachine> machines;
  if (page.empty()) return machines;
  auto first = find_machine(store, {cluster, page.front().first});
  if (!first) return pass(first.error());
  machines[page.front().first] = std::move(*first);
  const std::string last = kinds::pair_key(cluster, page.back().first);
  for (std::string after = kinds::pair_key(cluster, page.front().first); after < last;) {
    const auto records = store.list(kinds::machine, kinds::prefix_of(cluster), after, page.size());
    if (!records) return pass(records.error());
    for (const Record& record : *records) {
      if (record.key > last) break;
      auto machine = parse_machine_record(record.value);
      if (!machine) return while_doing(machine.error(), fmt::format("machine '{}'", record.key));
      const std::string node = machine->node;
      machines[node] = {std::move(*machine), record.version};
    }
    after = records->size() < page.size() ? last : records->back().key;
  }
  auto bans = list_bans(store, cluster);
  if (!bans) return pass(bans.error());
  for (const auto& [node, answer] : page)
    if (const auto ban = bans->find(node); ban != bans->end())
      machines[node].ban = std::move(ban->second);
  return machines;
}

}  // namespace muster
