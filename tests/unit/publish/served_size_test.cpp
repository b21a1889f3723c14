// What machines would refuse for its size is not published: it would reach nobody.
#include "publish/served_size.hpp"

#include "document/signed_document.hpp"
#include "fakes/unreadable.hpp"
#include "publish/publisher.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

// In four profiles: a file has its own limit.
PublishRequest request(const Site& site, int nodes, int labels_of_each) {
  std::string text = sample::cluster() + sample::node("m1", "master", 11);
  for (int index = 1; index <= nodes; ++index)
    text +=
        sample::node(fmt::format("n{}", index), "node", 20 + index, ", profiles: [p0, p1, p2, p3]");
  auto request = site.request(text);
  for (int profile = 0; profile < 4; ++profile) {
    std::string labels = fmt::format(
        "apiVersion: muster/v1\nkind: Profile\nmetadata: {{name: p{}}}\nspec:\n  kubelet:\n    labels:\n",
        profile);
    for (int index = 0; index < labels_of_each / 4; ++index)
      labels += fmt::format("      l{}x{}{}: v\n", profile, index, std::string(45, 'x'));
    request.files[fmt::format("p{}.yaml", profile)] = labels;
  }
  return request;
}

}  // namespace

TEST_CASE("the largest payload that is published is one that its envelope has room for") {
  const auto key = PrivateKey::generate_ed25519().value();
  const auto envelope =
      sign_envelope(node_document_type, std::string(maximum_payload_size, 'x'), key).value();
  CHECK(parse_envelope(to_json(envelope)));
  const Place place;
  const auto at = [&](std::size_t size) {
    return find_too_large({"document", "machine 'lab/n1'", place, std::string(size, 'x')});
  };
  CHECK_FALSE(at(maximum_payload_size));
  CHECK(at(maximum_payload_size + 1));
}

TEST_CASE("a document that its machine would refuse is refused with its sizes, and nothing moves") {
  Site site;
  Site::must(publish(site.context, request(site, 1, 4)));
  const auto refused = publish(site.context, request(site, 1, 60000));
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().problems.size() == 1);
  const std::string told = to_text(refused.error().problems.front());
  INFO(told);
  CHECK(told.find("expected a document of at most 3144704 bytes, which machines take, found 3") !=
        std::string::npos);
  CHECK(told.find(" for machine 'lab/n1', 3") != std::string::npos);
  CHECK(
      told.find(
          " of them '/config/kubelet/labels'; write less of that, or divide its machines among more clusters") !=
      std::string::npos);
  CHECK(told.starts_with("site.yaml:"));
  CHECK(site.current.cluster("lab")->revision_number == 1);
}

TEST_CASE("a peer list that its machines would refuse is refused, of a dry run too") {
  Site site;
  Site::must(publish(site.context, request(site, 2, 4)));
  auto order = request(site, 6, 10000);
  SUBCASE("an apply") {}
  SUBCASE("a dry run") {
    order.dry_run = true;
  }
  const auto refused = publish(site.context, order);
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().problems.size() == 1);
  const std::string told = to_text(refused.error().problems.front());
  INFO(told);
  CHECK(told.find("expected a peer list of at most 3144704 bytes, which machines take, found 3") !=
        std::string::npos);
  CHECK(told.find(" for cluster 'lab', 3") != std::string::npos);
  CHECK(told.find(" of them '/peers/*/labels';") != std::string::npos);
  CHECK(site.current.peers("lab")->generation == 1);
}

TEST_CASE("what cannot be read of a commit is in quarantine at once, and is written anew") {
  Site site;
  site.publish(sample::small_inventory());
  Publisher publisher(site.context);
  const auto before = site.current.peers("lab");
  std::string_view kind = kinds::peers;
  std::string key = "lab";
  bool is_started_anew = false;
  SUBCASE("a peer list, while the server runs") {}
  SUBCASE("a peer list, after a start") {
    is_started_anew = true;
  }
  SUBCASE("a document, while the server runs") {
    kind = kinds::document;
    key = "lab/n1";
  }
  SUBCASE("a document, after a start") {
    kind = kinds::document;
    key = "lab/n1";
    is_started_anew = true;
  }
  make_unreadable(site.store, kind, key);
  const auto row = site.quarantine.find("lab");
  REQUIRE(row);
  CHECK(row->reason.find(key) != std::string::npos);
  CHECK(
      row->cure ==
      "the server writes them anew by itself; where it cannot, `muster status` tells why the cluster is due");
  CHECK(site.current.peers("lab") == before);  // served as it was
  if (is_started_anew) REQUIRE(site.views.load());
  REQUIRE(publisher.look());
  CHECK_FALSE(site.quarantine.find("lab"));
  CHECK(publisher.owed()->empty());
  CHECK(site.current.cluster("lab")->revision_number == 2);
  REQUIRE(site.views.load());
  CHECK_FALSE(site.quarantine.find("lab"));
  CHECK(site.current.peers("lab"));
  CHECK(site.current.document("lab", "n1"));
}
