// The routes table against its descriptions: OpenAPI and the README's table name exactly what it
// has.
#include "http/routes.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

using namespace muster;

namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::string(MUSTER_TESTS_DIR) + "/../metadata-server/http/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return made;
}

// ":node", "+node" and "*node" -> "{node}"
std::string openapi_path(std::string_view pattern) {
  std::string path;
  bool inside = false;
  for (const char c : pattern) {
    if (c == '/' && inside) path += '}';
    if (c == '/') inside = false;
    if (c == ':' || c == '+' || c == '*') {
      inside = true;
      path += '{';
    } else {
      path += c;
    }
  }
  return inside ? path + "}" : path;
}

const std::pair<ListenerKind, const char*> listeners[] = {{ListenerKind::boot, "boot"},
                                                          {ListenerKind::enrol, "enrol"},
                                                          {ListenerKind::node, "node"},
                                                          {ListenerKind::admin, "admin"},
                                                          {ListenerKind::scrape, "loopback"}};

}  // namespace

TEST_CASE("openapi.json describes exactly the routes table") {
  const auto document = nlohmann::json::parse(read("openapi.json"));
  std::set<std::string> described, routed;
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      for (const auto& listener : operation["x-listeners"]) {
        described.insert(method + " " + path + " " + listener.get<std::string>());
      }
    }
  }
  for (const Route& route : routes()) {
    for (const auto& [kind, label] : listeners) {
      if ((route.listeners & static_cast<unsigned>(kind)) == 0) continue;
      routed.insert(lower(route.method) + " " + openapi_path(route.pattern) + " " + label);
    }
  }
  CHECK(described == routed);
}

TEST_CASE("openapi.json says what each answer may be, errors included") {
  const auto document = nlohmann::json::parse(read("openapi.json"));
  for (const auto& path : document["paths"].items()) {
    for (const auto& operation : path.value()) {
      CHECK_MESSAGE(operation["responses"].contains("200"), path.key());
      CHECK_MESSAGE(operation["responses"].contains("default"), path.key());
    }
  }
}

TEST_CASE("the README's table has one row for each route") {
  const std::string readme = read("README.md");
  for (const Route& route : routes()) {
    std::string where;
    for (const auto& [kind, label] : listeners) {
      if ((route.listeners & static_cast<unsigned>(kind)) == 0) continue;
      where += (where.empty() ? "" : ", ") + std::string(label);
    }
    const std::string row = "| `" + std::string(route.method) + " " + std::string(route.pattern) +
                            "` | " + where + " | ";
    CHECK_MESSAGE(readme.find(row) != std::string::npos, row);
    CHECK_MESSAGE(readme.find("| " + std::string(route.summary) + " |") != std::string::npos,
                  route.summary);
  }
  std::size_t rows = 0;
  for (auto at = readme.find("\n| `"); at != std::string::npos; at = readme.find("\n| `", at + 1)) {
    if (readme[at + 4] < 'a') ++rows;  // a method, not a header's name
  }
  CHECK(rows == routes().size());
}

TEST_CASE("what is routed is what the listeners are for") {
  for (const Route& route : routes()) {
    const bool is_operators = route.pattern.starts_with("/v1/operator/");
    const bool for_people =
        route.audience == Audience::operators || route.audience == Audience::creators;
    CHECK_MESSAGE(for_people == is_operators, route.pattern);
    const unsigned anonymous =
        static_cast<unsigned>(ListenerKind::boot) | static_cast<unsigned>(ListenerKind::enrol);
    if ((route.listeners & anonymous) != 0)
      CHECK_MESSAGE((route.audience == Audience::anyone || route.audience == Audience::sealed),
                    route.pattern);
    if ((route.listeners & static_cast<unsigned>(ListenerKind::node)) != 0) {
      CHECK_MESSAGE(route.audience != Audience::anyone, route.pattern);
    }
    CHECK_MESSAGE((route.body == BodyAs::none) == (route.body_limit == 0), route.pattern);
    CHECK_MESSAGE((route.handler != nullptr), route.pattern);
  }
}
