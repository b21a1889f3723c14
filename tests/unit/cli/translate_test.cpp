#include <doctest/doctest.h>

#include <fstream>

#include "operator_api.hpp"

using namespace muster;

namespace {

struct Fixture {
  ScratchFolder folder;
  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(folder.path(name)) << text;
    return folder.path(name);
  }
  [[nodiscard]] std::string document(const std::string& role, const std::string& node) const {
    return R"({"myRole":")" + role + R"(","myDomain":")" + node +
           R"(.b126.example","masterAddr":"m1.b126.example","kubenodesAddr":"n1.b126.example",)"
           R"("domainsEnv":"BASE_DOMAIN=b126.example API_SERVER_DOMAIN=api.b126.example )"
           R"(ETCD_DOMAIN=etcd.b126.example"})";
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "flat metadata documents become an inventory without a server") {
  const auto hosts = put("hosts", "10.77.0.11 m1\n10.77.0.12 m2\n10.77.0.21 n1\n");
  const auto ran = fake::muster({"translate", put("m2.json", document("masterFollower", "m2")),
                                 put("n1.json", document("node", "n1")), "--hosts", hosts,
                                 "--kubernetes-version", "1.36.3"});
  CHECK(ran.exit == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out.find("kind: Node\nmetadata:\n  name: m2\nspec:\n  cluster: b126\n"
                     "  role: follower\n  address: 10.77.0.12\n") != std::string::npos);
  // What it prints is an inventory.
  put("inventory.yaml", ran.out);
  CHECK(fake::muster({"--server", "unix:/nonexistent", "validate", folder.path()}).exit == 0);
}

TEST_CASE_FIXTURE(Fixture, "the problems of all documents are told together, exit 3") {
  const auto first = put("a.json", document("worker", "m2")), second = put("b.json", "{");
  const auto ran = fake::muster({"translate", first, second, "--kubernetes-version", "1.36.3"});
  CHECK(ran.exit == 3);
  CHECK(ran.out.empty());
  CHECK(
      ran.err ==
      "muster: " + first +
          ": refused, 1 problem:\n/myRole: expected master, follower or node, found 'worker'\n" +
          second +
          ": refused, 1 problem:\n/: expected JSON, found parse error at line 1, column 2: syntax error while parsing object key - unexpected end of input; expected string literal (byte 2)\n");
  const auto none = fake::muster({"translate", put("c.json", document("node", "n1")), "--hosts",
                                  put("empty", ""), "--kubernetes-version", "1.36.3"});
  CHECK(none.exit == 3);
  CHECK(none.err.find("expected an address of 'm1.b126.example' among the hosts, found none") !=
        std::string::npos);
}
