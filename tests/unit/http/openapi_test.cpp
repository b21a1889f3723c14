// openapi.json against the server: its patterns are the code's rules, and its bounds are where the
// server begins to refuse.
#include <doctest/doctest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "boot/ec2_metadata.hpp"
#include "document/field_syntax.hpp"
#include "http/path_pattern.hpp"
#include "inventory/formats.hpp"
#include "pki/signature.hpp"
#include "sample_pool.hpp"

using namespace muster;
using nlohmann::json;
using sample::House;

namespace {

json described() {
  std::ifstream file(std::string(MUSTER_TESTS_DIR) + "/../metadata-server/http/openapi.json");
  std::ostringstream text;
  text << file.rdbuf();
  return json::parse(text.str());
}

const json& resolved(const json& document, const json& schema) {
  constexpr std::string_view folder = "#/components/schemas/";
  if (!schema.contains("$ref")) return schema;
  const auto target = schema.at("$ref").get<std::string>();
  return document.at("components").at("schemas").at(target.substr(folder.size()));
}

json operation(const json& document, const std::string& id) {
  for (const auto& item : document.at("paths"))
    for (const auto& one : item)
      if (one.at("operationId") == id) return one;
  FAIL(id);
  return {};
}

bool is_free_text(std::string_view text) {
  return match_path("/+value", "/" + std::string(text)).has_value();
}

bool is_base64(std::string_view text) {
  return base64_decode(text).has_value();
}

bool is_token_id(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_known_ec2_path(std::string_view text) {
  return is_ec2_path(text);
}

// Each at an edge of some rule, or just beyond it.
std::vector<std::string> edges() {
  std::vector<std::string> texts{"",
                                 "a",
                                 "A",
                                 "0",
                                 "-",
                                 "-a",
                                 "a-",
                                 "a-b",
                                 "a--b",
                                 "a.b",
                                 "a..b",
                                 ".a",
                                 "a.",
                                 "a_b",
                                 "a b",
                                 "1.36.3",
                                 "v1+x~y",
                                 "+1",
                                 "~1",
                                 "_1",
                                 "sha256:",
                                 "sha256:00",
                                 "AAAA",
                                 "AA==",
                                 "AAA=",
                                 "AB==",
                                 "AAB=",
                                 "A===",
                                 "AAA",
                                 "AA=A",
                                 "====",
                                 "/A+9",
                                 "latest",
                                 "latest/",
                                 "latest/meta-data/",
                                 "latests",
                                 "2009-04-04/x",
                                 "2009-04-05",
                                 "/latest",
                                 "lab/n1",
                                 "a\n",
                                 "\n",
                                 "a\x7f",
                                 "0123456789abcdef",
                                 "0123456789ABCDEF",
                                 "0123456789abcde"};
  for (const std::size_t length : {62U, 63U, 64U, 65U, 127U, 128U, 129U})
    texts.push_back(std::string(length, 'a'));
  const std::string half =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  texts.push_back(half + std::string(61, 'd'));
  texts.push_back("sha256:" + std::string(64, '0'));
  texts.push_back("sha256:" + std::string(63, '0'));
  texts.push_back("sha256:" + std::string(65, '0'));
  texts.push_back("sha256:" + std::string(64, 'A'));
  texts.push_back("sha512:" + std::string(64, '0'));
  return texts;
}

struct Rule {
  const char* schema;
  bool (*accepts)(std::string_view text);
  std::string_view pattern;  // the code's own, where it has one
};

const Rule rules[] = {{"label", is_dns_label, formats::object_name.pattern},
                      {"machineName", is_dns_name, formats::dns_domain.pattern},
                      {"version", is_version, formats::release_version.pattern},
                      {"digest", is_digest, {}},
                      {"base64", is_base64, {}},
                      {"tokenId", is_token_id, {}},
                      {"markValue", is_free_text, {}},
                      {"ec2Path", is_known_ec2_path, {}}};

// Where text, a number or a list has no bounds at all.
void find_unbounded(const json& schema, const std::string& where, std::vector<std::string>& found) {
  if (schema.is_array()) {
    for (const auto& one : schema) find_unbounded(one, where, found);
    return;
  }
  if (!schema.is_object()) return;
  const std::string type = schema.contains("type") && schema["type"].is_string()
                               ? schema["type"].get<std::string>()
                               : std::string();
  if (type == "string" && !schema.contains("pattern") && !schema.contains("maxLength") &&
      schema.value("format", "") != "binary")
    found.push_back(where + ": text");
  if (type == "integer" && !(schema.contains("minimum") && schema.contains("maximum")))
    found.push_back(where + ": number");
  for (const auto& [key, value] : schema.items())
    if (key != "queryText" && key != "queryMark")
      find_unbounded(value, key == "properties" ? where : where + "/" + key, found);
}

// Something that takes a number, and the place of its schema: a field of its body, or a header.
struct Counted {
  std::string id, method, target;
  json body;
  std::string field;
};

}  // namespace

TEST_CASE("openapi.json's patterns are the code's rules") {
  const json document = described();
  for (const Rule& rule : rules) {
    const json& schema = document.at("components").at("schemas").at(rule.schema);
    const auto pattern = schema.at("pattern").get<std::string>();
    if (!rule.pattern.empty()) CHECK_MESSAGE(pattern == rule.pattern, rule.schema);
    const std::regex expression(pattern, std::regex::ECMAScript);
    for (const std::string& text : edges()) {
      const bool is_described = std::regex_match(text, expression) &&
                                text.size() <= schema.value("maxLength", 100000U) &&
                                text.size() >= schema.value("minLength", 0U);
      CHECK_MESSAGE(is_described == rule.accepts(text), rule.schema << ": '" << text << "'");
    }
  }
}

TEST_CASE("openapi.json bounds whatever a request carries") {
  const json document = described();
  std::vector<std::string> found;
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, one] : item.items()) {
      for (const auto& parameter : one.value("parameters", json::array()))
        find_unbounded(parameter.at("schema"), method + " " + path, found);
      if (one.contains("requestBody"))
        find_unbounded(one.at("requestBody"), method + " " + path, found);
    }
  }
  find_unbounded(document.at("components").at("schemas"), "components", found);
  for (const auto& where : found) CHECK_MESSAGE(false, where);
  CHECK(found.empty());
}

TEST_CASE("openapi.json's numbers are those from which on the server refuses") {
  const json document = described();
  House house;
  house.apply(sample::small_inventory());
  const json files = {{"files", {{"t.yaml", sample::small_template()}}}};
  REQUIRE(house.ask("PUT", "/v1/operator/templates/t", files).status == 200);
  const json ci = {{"name", "ci"}, {"template", "t"}};
  REQUIRE(house.ask("POST", "/v1/operator/clusters", ci).status == 200);
  const json cj = {{"name", "cj"}, {"template", "t"}};
  const std::string n1 = "/v1/operator/nodes/lab/n1/";
  const json lab = {{"cluster", "lab"}}, pool = {{"cluster", "lab"}, {"pool", "w"}};
  const std::vector<Counted> all{
      {"post_tokens", "POST", "/v1/operator/tokens", lab, "count"},
      {"post_tokens", "POST", "/v1/operator/tokens", lab, "ttlSeconds"},
      {"post_user_data", "POST", "/v1/operator/user-data", pool, "count"},
      {"post_user_data", "POST", "/v1/operator/user-data", pool, "ttlSeconds"},
      {"post_clusters", "POST", "/v1/operator/clusters", cj, "ttlSeconds"},
      {"post_extend", "POST", "/v1/operator/clusters/ci/extend", json::object(), "ttlSeconds"},
      {"post_node_order", "POST", n1 + "converge", json::object(), "timeoutSeconds"},
      {"post_node_order", "POST", n1 + "undrain", json::object(), "timeoutSeconds"},
      {"post_node_order", "POST", n1 + "drain", json::object(), "timeoutSeconds"},
      {"post_node_order", "POST", n1 + "unban", json::object(), "timeoutSeconds"},
      {"post_kubeconfig", "POST", "/v1/operator/kubeconfig", lab, "ttlSeconds"}};
  for (const Counted& one : all) {
    const json properties = operation(document, one.id)
                                .at("requestBody")
                                .at("content")
                                .at("application/json")
                                .at("schema")
                                .at("properties");
    const json& schema = resolved(document, properties.at(one.field));
    const auto answered = [&](const json& number) {
      json body = one.body;
      body[one.field] = number;
      const auto told = house.ask(one.method, one.target, body);
      return told.status == 400 ? told.message() : std::string();
    };
    const auto least = schema.at("minimum").get<std::int64_t>();
    const auto most = schema.at("maximum").get<std::int64_t>();
    const std::string named = one.target + " " + one.field;
    CHECK_MESSAGE(answered(least - 1).find("/" + one.field) != std::string::npos, named);
    CHECK_MESSAGE(answered(most + 1).find("/" + one.field) != std::string::npos, named);
    CHECK_MESSAGE(answered(least) == "", named);
    CHECK_MESSAGE(answered(most) == "", named);
    // By JSON Schema that is an integer, however it is written.
    CHECK_MESSAGE(answered(static_cast<double>(least)) == "", named);
    CHECK_MESSAGE(
        answered(static_cast<double>(most) + 1.0).find("/" + one.field) != std::string::npos,
        named);
    for (const double other : {static_cast<double>(least) + 0.5, -0.5, 9007199254740992.0, 1e300})
      CHECK_MESSAGE(answered(other).find("/" + one.field) != std::string::npos, named);
  }
}

TEST_CASE("a query's text that is required is not empty") {
  House house;
  house.apply(sample::small_inventory());
  for (const char* target : {"revisions?cluster=", "site-facts?cluster=",
                             "revisions/diff?cluster=lab&from=&to=1", "revisions"}) {
    const auto refused = house.ask("GET", std::string("/v1/operator/") + target);
    CHECK_MESSAGE(refused.status == 400, target);
  }
  const auto refused = house.ask("GET", "/v1/operator/revisions?cluster=");
  CHECK(refused.message() ==
        "query: expected 'cluster', found none; ask for /v1/operator/revisions?cluster=...");
  CHECK(house.ask("GET", "/v1/operator/nodes?cluster=").status == 200);  // of all
}

TEST_CASE("openapi.json names every field of the answers to orders and of the audit") {
  const json document = described();
  const auto properties_of = [&](const char* id) {
    return operation(document,
                     id)["responses"]["200"]["content"]["application/json"]["schema"]["properties"];
  };
  const auto check = [](const json& properties, const sample::Answer& answer) {
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    for (const auto& item : answer.body.items()) {
      const bool is_described = properties.contains(item.key());
      CHECK_MESSAGE(is_described, item.key());
    }
  };
  sample::PoolHouse house;
  house.start(2);
  const json orders = properties_of("post_node_order");
  for (const char* verb :
       {"converge", "drain", "undrain", "replace", "ban", "ban", "unban", "remove"})
    check(orders, house.order("w-1", verb));
  check(orders, house.order("w-2", "converge"));
  check(orders, house.order("w-2", "converge", {{"cancel", true}}));
  CHECK(orders.contains("unpublished"));
  check(properties_of("get_audit"), house.ask("GET", "/v1/operator/audit"));
}

TEST_CASE("masters of a cluster on demand are as many as openapi.json says") {
  const json document = described();
  const json schema =
      operation(document, "post_clusters")["requestBody"]["content"]["application/json"]["schema"]
                                          ["properties"]["masters"];
  for (int masters = 0; masters < 10; ++masters) {
    House house;
    const json files = {{"files", {{"t.yaml", sample::small_template()}}}};
    REQUIRE(house.ask("PUT", "/v1/operator/templates/t", files).status == 200);
    const json body = {{"name", "ci"}, {"template", "t"}, {"masters", masters}};
    const bool is_described =
        std::find(schema["enum"].begin(), schema["enum"].end(), masters) != schema["enum"].end();
    CHECK((house.ask("POST", "/v1/operator/clusters", body).status == 200) == is_described);
  }
}

TEST_CASE("what was never there is deleted for nobody, and no row tells of it") {
  House house;
  house.apply(sample::small_inventory());
  const auto rows = [&] {
    return house.ask("GET", "/v1/operator/audit?limit=1000").body.at("rows").size();
  };
  const auto before = rows();
  for (const std::string& target :
       {std::string("secrets/lab/none"), std::string("secrets/nowhere/none"),
        std::string("templates/none"), std::string("tokens/0123456789abcdef"),
        std::string("operators/none"), std::string("clusters/none"), std::string("releases/none/1"),
        "document-keys/sha256:" + std::string(64, '0')}) {
    CHECK_MESSAGE(house.ask("DELETE", "/v1/operator/" + target).status == 404, target);
  }
  CHECK(rows() == before);
}

TEST_CASE("an audit of the last aeons is one of all, and no sum that overflows") {
  House house;
  house.apply(sample::small_inventory());
  for (const char* seconds : {"9223372036854775807", "18446744073709551615", "1790000000"}) {
    const auto told =
        house.ask("GET", std::string("/v1/operator/audit?limit=1000&within=") + seconds);
    CHECK(told.status == 200);
    CHECK(told.body.at("rows").size() > 0);
  }
}
