// What is published machine by machine, by digests of what each is made of, is what a full compile
// makes: after every one of many random edits, byte for byte.
#include <random>

#include "document/signed_document.hpp"
#include "inventory/compile.hpp"
#include "publish/site_facts.hpp"
#include "records/bans.hpp"
#include "records/drain.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

// An inventory that can be changed at random, and what the site learns beside it.
class RandomSite {
 public:
  explicit RandomSite(unsigned seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) add_node();
  }

  void edit() {
    switch (pick(12)) {
      case 0:
        return add_node();
      case 1:
        return remove_node();
      case 2:
        nodes_[any()].label = pick(3);
        return;
      case 3:
        nodes_[any()].profile = pick(3);
        return;
      case 4:
        nodes_[any()].override_value = pick(3);
        return;
      case 5:
        nodes_[any()].mac = pick(100);
        return;
      case 6:
        profile_values_[static_cast<std::size_t>(pick(3))] = pick(5);
        return;
      case 7:
        argument_ = pick(3);
        return;
      case 8:
        coredns_ = !coredns_;
        return;
      case 9:
        return toggle_ban();
      case 10:
        return admit();
      default:
        return toggle_drain();
    }
  }

  void publish() {
    auto request = site_.request(text());
    request.remove = true;
    Site::must(muster::publish(site_.context, request));
  }
  void publish_anew() { Site::must(republish(site_.context, "lab", "server")); }

  void compare_with_full() {
    const auto inventory = load({{"site.yaml", published_}});
    REQUIRE_MESSAGE(inventory, to_text(inventory.error()));
    const auto members = site_.context.memory->members(site_.store, "lab");
    const auto facts =
        gather_site_facts(site_.store, site_.keys.site(), find_cluster(site_.store, "lab")->record,
                          *banned_machines(site_.store, "lab"), *members, sample::now);
    const auto full = compile(*inventory, "lab", *facts);
    REQUIRE_MESSAGE(full, to_text(full.error()));
    const auto served = site_.current.cluster("lab");
    REQUIRE(served->documents.size() == full->documents.size());
    for (NodeDocument document : full->documents) {
      const auto answer = served->documents.find(document.role.node);
      document.generation = answer->generation;
      CHECK(parse_envelope(answer->body)->payload == to_canonical_json(document));
      document.generation = 0;
      CHECK(answer->content == sha256_digest(to_canonical_json(document)));
    }
    PeerList peers = full->peers;
    peers.generation = served->peers->generation;
    CHECK(parse_envelope(served->peers->body)->payload == to_canonical_json(peers));
    // And the copy in memory is what a start would read.
    Quarantine quarantine;
    CurrentDocuments read(quarantine);
    REQUIRE(read.load(site_.store));
    for (const auto& [node, answer] : served->documents)
      CHECK(read.document("lab", node)->body == answer->body);
    CHECK(read.cluster("lab")->revision == served->revision);
  }

 private:
  struct RandomNode {
    std::string name;
    int address, label = 0, profile = 0, override_value = 0, mac = 0;
  };

  int pick(int below) { return std::uniform_int_distribution<>(0, below - 1)(random_); }
  std::size_t any() { return static_cast<std::size_t>(pick(static_cast<int>(nodes_.size()))); }

  void add_node() {
    ++next_;
    nodes_.push_back({fmt::format("n{}", next_), next_});
  }
  void remove_node() {
    if (nodes_.size() > 1) nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(any()));
  }
  void toggle_ban() {
    const std::string& name = nodes_[any()].name;
    const auto banned = banned_machines(site_.store, "lab").value();
    site_.set_banned(name, std::find(banned.begin(), banned.end(), name) == banned.end());
  }
  void admit() {
    ++members_;
    Transaction transaction;
    add_member({"lab", fmt::format("ci-{}", members_), "ci", Role::node,
                fmt::format("10.77.9.{}", members_), "sha256:k", 1, 0},
               transaction);
    REQUIRE(site_.store.commit(transaction));
  }
  void toggle_drain() {
    const std::string key = kinds::pair_key("lab", nodes_[any()].name);
    Transaction transaction;
    DrainRecord record;
    record.cluster = "lab";
    record.node = key.substr(4);
    if (site_.store.get(kinds::drain, key))
      transaction.remove(kinds::drain, key);
    else
      transaction.put(kinds::drain, key, to_json(record));
    REQUIRE(site_.store.commit(transaction));
  }

  std::string text() {
    std::string text =
        sample::cluster(fmt::format("  nodeCidr: 10.77.0.0/16\n  profiles: [p0]\n  coredns: {}\n"
                                    "  componentArguments: {{kube-apiserver: {{v: '{}'}}}}\n",
                                    coredns_, argument_));
    for (int i = 0; i < 3; ++i)
      text += fmt::format(
          "---\napiVersion: muster/v1\nkind: Profile\nmetadata: {{name: p{0}}}\n"
          "spec: {{kernel: {{sysctl: {{vm.max_map_count: '{1}'}}}}, kubelet: {{labels: {{p: a{1}}}}}}}\n",
          i, profile_values_[static_cast<std::size_t>(i)]);
    text += sample::node("m1", "master", 250);
    text +=
        R"(---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec: {cluster: lab, role: node, namePattern: 'ci-{index}', maximum: 200, addressRanges: [10.77.9.0/24], proofs: [token], profiles: [p2]}
)";
    for (const auto& node : nodes_)
      text += sample::node(
          node.name, "node", node.address % 250,
          fmt::format(
              ", labels: {{l: v{}}}, profiles: [p{}], match: {{mac: ['02:00:00:00:{:02x}:{:02x}']}}{}",
              node.label, node.profile, node.mac, node.address,
              node.override_value == 0 ? ""
                                       : fmt::format(", overrides: {{kubelet: {{maxPods: {}}}}}",
                                                     100 + node.override_value)));
    published_ = text;
    return text;
  }

  std::mt19937 random_;
  Site site_;
  std::vector<RandomNode> nodes_;
  std::array<int, 3> profile_values_{};
  int next_ = 0, members_ = 0, argument_ = 0;
  bool coredns_ = true;
  std::string published_;
};

}  // namespace

TEST_CASE("after any edit, what is published is what a full compile makes") {
  for (const unsigned seed : {1u, 2u}) {
    CAPTURE(seed);
    RandomSite site(seed);
    site.publish();
    site.compare_with_full();
    for (int step = 0; step < 12; ++step) {
      CAPTURE(step);
      for (int edits = 0; edits <= step % 3; ++edits) site.edit();
      site.publish();
      if (step % 4 == 0) {
        site.publish_anew();
      }
      site.compare_with_full();
    }
  }
}
