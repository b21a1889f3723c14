#include "publish/document_table.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "publish/current_documents.hpp"

using namespace muster;

namespace {

DocumentTable::Answer answer(const std::string& body) {
  return std::make_shared<const ServedAnswer>(ServedAnswer{body, {}, 1, 1, {}});
}

std::map<std::string, std::string> all_of(const DocumentTable& table) {
  std::map<std::string, std::string> found;
  for (const auto& [node, served] : table) CHECK(found.emplace(node, served->body).second);
  CHECK(found.size() == table.size());
  return found;
}

}  // namespace

TEST_CASE("a table holds what it was changed to, and its copies what they had") {
  std::mt19937 random(1);
  DocumentTable table;
  std::map<std::string, std::string> expected;
  CHECK(table.empty());
  CHECK(all_of(table).empty());
  for (int round = 0; round < 200; ++round) {
    const DocumentTable before = table;
    const auto expected_before = expected;
    std::vector<std::pair<std::string, DocumentTable::Answer>> changes;
    for (int i = 0; i < 20; ++i) {
      const auto node = fmt::format("n{}", random() % 300);
      if (random() % 3 == 0) {
        changes.emplace_back(node, nullptr);
        expected.erase(node);
      } else {
        const auto body = fmt::format("{}-{}", round, i);
        changes.emplace_back(node, answer(body));
        expected[node] = body;
      }
    }
    table.change(changes);
    CHECK(all_of(table) == expected);
    CHECK(all_of(before) == expected_before);
    CHECK(table.empty() == expected.empty());
  }
  for (const auto& [node, body] : expected) CHECK(table.find(node)->body == body);
  CHECK_FALSE(table.find("nobody"));
  CHECK_FALSE(table.contains("nobody"));
}
