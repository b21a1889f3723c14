#include "document/flat_metadata.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

const std::string domains =
    R"("domainsEnv":"BASE_DOMAIN=b126.example API_SERVER_DOMAIN=api.b126.example\nETCD_DOMAIN=etcd.b126.example")";

}  // namespace

TEST_CASE("a flat metadata document says who a machine is and who the others are") {
  const auto flat = parse_flat_metadata(
      "F",
      R"({"myRole":"masterFollower","myDomain":"m2.b126.example",)"
      R"("masterAddr":"m1.b126.example","kubenodesAddr":" n1.b126.example  n2.b126.example ",)" +
          domains + R"(,"muster":{"anything":1}})");
  REQUIRE_MESSAGE(flat, (flat ? "" : flat.error().message));
  CHECK(flat->role == Role::follower);
  CHECK(flat->node == "m2");
  CHECK(flat->domain == "b126.example");
  CHECK(flat->api_server_domain == "api.b126.example");
  CHECK(flat->etcd_domain == "etcd.b126.example");
  CHECK(flat->master == "m1.b126.example");
  CHECK(flat->nodes == std::vector<std::string>{"n1", "n2"});
}

TEST_CASE("every problem of a flat metadata document is said at once") {
  CHECK(
      parse_flat_metadata(
          "F", R"({"myRole":"worker","myDomain":"m2.b125.example","masterAddr":"M1.b126.example",)"
               R"("kubenodesAddr":"n1 n2.b126.example",)" +
                   domains + R"(,"extra":1})")
          .error()
          .message ==
      "F: refused, 5 problems:\n"
      "/myRole: expected master, follower or node, found 'worker'\n"
      "/myDomain: expected NAME.b126.example (BASE_DOMAIN), found 'm2.b125.example'\n"
      "/masterAddr: expected NAME.b126.example (BASE_DOMAIN), found 'M1.b126.example'\n"
      "/kubenodesAddr: expected NAME.b126.example (BASE_DOMAIN), found 'n1'\n"
      "/extra: unknown field, expected one of domainsEnv, kubenodesAddr, masterAddr, muster, myDomain, myRole");
  CHECK(
      parse_flat_metadata("F", R"({"domainsEnv":"BASE_DOMAIN=-x ETCD_DOMAIN=e.example FOO=1"})")
          .error()
          .message ==
      "F: refused, 7 problems:\n"
      "/myRole: expected a string, found nothing\n"
      "/domainsEnv: expected BASE_DOMAIN, API_SERVER_DOMAIN or ETCD_DOMAIN, '=' and a DNS name, found 'BASE_DOMAIN=-x'\n"
      "/domainsEnv: expected BASE_DOMAIN, API_SERVER_DOMAIN or ETCD_DOMAIN, '=' and a DNS name, found 'FOO=1'\n"
      "/domainsEnv: expected API_SERVER_DOMAIN=NAME, found none\n"
      "/myDomain: expected a string, found nothing\n"
      "/masterAddr: expected a string, found nothing\n"
      "/kubenodesAddr: expected a string, found nothing");
}
