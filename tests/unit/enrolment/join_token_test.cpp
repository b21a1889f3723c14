#include "enrolment/join_token.hpp"

#include "pki/signature.hpp"
#include "records/schedule.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {
std::string id_of(const std::string& token) {
  return token.substr(8, 16);
}
}  // namespace

TEST_CASE("of a token's secret only the hash is kept") {
  Enrolment site;
  const std::string text = site.token();
  CHECK(text.starts_with("muster1."));
  const std::string secret = text.substr(text.rfind('.') + 1);
  CHECK(secret.size() == 43);  // 32 bytes
  CHECK(secret.find_first_of("+/=") == std::string::npos);
  const std::string record = site.store.get(kinds::token, id_of(text))->value;
  CHECK(record.find(secret) == std::string::npos);
  CHECK(parse_join_token(record)->secret_hash == sha256_digest(secret));
  CHECK(parse_join_token(record)->created_by == "operator anna");
  const auto audit = site.store.list(kinds::audit);
  REQUIRE(audit->size() == 1);
  for (const auto& row : *audit) CHECK(row.value.find(secret) == std::string::npos);
}

TEST_CASE("an unknown token and a wrong secret get the same answer") {
  Enrolment site;
  const std::string text = site.token();
  const std::string unknown =
      "token_unknown: join token: not known here; create one with `muster token create`";
  for (const std::string& wrong :
       {text.substr(0, text.size() - 1) + (text.back() == 'A' ? "B" : "A"),
        "muster1.0000000000000000" + text.substr(24), "muster1." + id_of(text), std::string("x"),
        "muster1." + std::string(200, 'a') + ".b"}) {
    CAPTURE(wrong);
    CHECK(refusal(find_join_token(site.store, wrong)) == unknown);
  }
  CHECK(find_join_token(site.store, text)->token.id == id_of(text));
}

TEST_CASE("a day after its end a token is forgotten, with everything that was kept for it") {
  Enrolment site;
  const std::string late = site.token();  // of an hour
  site.now += 24h;
  CHECK(refusal(site.enrol({.hardware = 22}, late)).starts_with("token_expired"));
  const auto due = [&] { return list_due(site.store, unix_seconds(site.now), 10).value(); };
  CHECK(due().empty());
  site.now += 1h;
  const auto rows = due();
  REQUIRE(rows.size() == 1);
  REQUIRE(let_lapse(site.store, rows[0]));
  CHECK(refusal(site.enrol({.hardware = 22}, late)).starts_with("token_unknown"));
  for (const auto kind : {kinds::token, kinds::cluster_token, kinds::schedule})
    CHECK(site.store.list(kind)->empty());
}

TEST_CASE("a token ends with its time, its count, or when it is revoked") {
  Enrolment site;
  const std::string text = site.token(Role::node, 1), id = id_of(text);
  CHECK(site.enrol({.hardware = 21}, text));
  CHECK(
      refusal(site.enrol({.hardware = 22}, text)) ==
      fmt::format(
          "token_exhausted: join token '{}': used up, it was made for 1; create another with `muster token create --count N`",
          id));
  const std::string late = site.token();
  site.now += 1h;
  CHECK(refusal(site.enrol({.hardware = 22}, late)) ==
        fmt::format(
            "token_expired: join token '{}': expired; create another with `muster token create`",
            id_of(late)));
  const std::string gone = site.token();
  REQUIRE(revoke_join_token(site.context, id_of(gone), "operator bert"));
  CHECK(refusal(site.enrol({.hardware = 22}, gone)).starts_with("token_unknown: "));
  CHECK(site.audit("token-revoked") ==
        std::vector<std::string>{"operator bert " + id_of(gone) + " "});
  CHECK(refusal(revoke_join_token(site.context, id_of(gone), "operator bert")) ==
        fmt::format(
            "not_found: join token '{}': there is none; `muster token list` shows those there are",
            id_of(gone)));
  // Nobody who was refused got a record, and nobody waits for approval either.
  CHECK(site.store.count(kinds::machine).value() == 1);
  CHECK(site.store.count(kinds::pending).value() == 0);
}

TEST_CASE("a token is bound to its cluster, its role and its node") {
  Enrolment site;
  const std::string nodes = site.token(Role::node, 10), masters = site.token(Role::master, 10),
                    one = site.token(Role::node, 10, "n2");
  CHECK(
      refusal(site.enrol({.hardware = 31}, nodes)) ==
      fmt::format(
          "token_other_cluster: join token '{}': expected one of this machine's cluster; create one with `muster token create`",
          id_of(nodes)));
  CHECK(refusal(site.enrol({.hardware = 11}, nodes)).starts_with("token_role: join token '"));
  CHECK(refusal(site.enrol({.hardware = 21}, masters)).starts_with("token_role: join token '"));
  CHECK(
      refusal(site.enrol({.hardware = 21}, one)) ==
      fmt::format(
          "hints_other_node: join token '{}': made for another node than the inventory has this hardware as; use a token of its own, or correct `match`",
          id_of(one)));
  CHECK(site.store.count(kinds::machine).value() == 0);
  // Both control-plane roles hold the same secrets.
  CHECK(site.enrol({.hardware = 12}, masters)->node == NodeName{"lab", "m2"});
  // A token for one node names it, whatever the hardware.
  CHECK(site.enrol({.hardware = 99}, one)->node == NodeName{"lab", "n2"});
}

TEST_CASE("an order for a token is refused with every problem") {
  Enrolment site;
  NewJoinToken order;
  order.count = 0;
  order.lifetime = std::chrono::seconds(1);
  CHECK(
      refusal(create_join_token(site.context, order, "operator anna")) ==
      "invalid: join token:\n/cluster: expected a cluster, found nothing\n/count: expected 1 to 10000, found 0\n/ttlSeconds: expected 60 to 2592000, found 1");
  order = {};
  order.cluster = "lab";
  order.node = "n9";
  CHECK(refusal(create_join_token(site.context, order, "operator anna")) ==
        "not_found: node 'lab/n9': not in the inventory; apply an inventory that names it");
  CHECK(list_join_tokens(site.store)->empty());
}

TEST_CASE("a damaged record is the server's trouble, not the asker's") {
  Enrolment site;
  const std::string text = site.token();
  Transaction damage;
  damage.put(kinds::token, id_of(text), "{");
  REQUIRE(site.store.commit(damage));
  CHECK(list_join_tokens(site.store)->empty());  // and it is told by the status
  const auto found = find_join_token(site.store, text);
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::corrupt);
}
