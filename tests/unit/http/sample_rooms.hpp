// A whole server in memory, without sockets: what the routes table answers, for this room's tests.
#pragma once

#include "enrolment/ban.hpp"
#include "enrolment/identity.hpp"
#include "enrolment/remove.hpp"
#include "fakes/scratch_folder.hpp"
#include "fleet/inventory_slot.hpp"
#include "http/rooms.hpp"
#include "http/router.hpp"
#include "publish/member_publisher.hpp"
#include "unit/publish/sample_site.hpp"

namespace sample {

constexpr std::uint32_t admin_group = 997;

inline muster::Peer on_admin_socket(std::uint32_t user, std::vector<std::uint32_t> groups = {}) {
  muster::Peer peer;
  peer.listener = muster::ListenerKind::admin;
  peer.user = user;
  peer.groups = std::move(groups);
  return peer;
}

struct Answer {
  int status = 0;
  nlohmann::json body;
  std::string message() const { return body.value("message", std::string()); }
};

struct House {
  Site site;
  muster::ScratchFolder folder;
  muster::ArtifactStore artifacts = muster::ArtifactStore::open(folder.path("artifacts")).value();
  muster::CallerCache callers{std::chrono::hours(1)};
  muster::CallerWatchingStore store{site.store, callers};
  muster::NoncePool nonces;
  muster::RefusalLog refusals;
  muster::TimePoint time = now;
  muster::InventorySlot inventory;
  muster::EnrolmentContext enrolment{store,
                                     site.keys.machines(),
                                     nonces,
                                     refusals,
                                     [this] { return inventory.enrolment(); },
                                     [this] { return time; },
                                     {},
                                     [this](const muster::NodeName& node, const std::string& key) {
                                       return members.publish(node.cluster, node.node, key);
                                     }};
  muster::PublishContext publishing{
      store,
      site.sealing,
      site.keys,
      site.current,
      [this] { return time; },
      [this](const std::string& name) { return muster::banned_machines(store, name); },
      [](const std::string& cluster_name, const std::string& node_name, muster::Transaction& t) {
        muster::forget_machine({cluster_name, node_name}, t);
      }};
  muster::MetadataTokens tokens{muster::TokenPolicy::optional};
  muster::MemberPublisher members{publishing};
  muster::MachineReports reports{store};
  muster::Metrics metrics;
  muster::ClusterEnds ends;
  muster::AgentPackage agent;
  muster::Rooms rooms{
      {store, site.sealing, site.keys, site.current, publishing, enrolment, reports,
       [this](const std::string& cluster_name) { return inventory.reload(store, cluster_name); },
       ends, agent},
      artifacts,
      tokens,
      [this] { return inventory.boot(); },
      metrics,
      folder.path("audit")};
  muster::Router router{rooms, callers, metrics, admin_group};

  House() = default;
  House(const House&) = delete;

  Answer ask(const std::string& method, const std::string& target, const nlohmann::json& body = {},
             const muster::Peer& peer = on_admin_socket(0),
             std::map<std::string, std::string> headers = {}) {
    const auto question = target.find('?');
    muster::RequestHead head;
    head.method = method;
    head.path = target.substr(0, question);
    auto admission = router.admit(head, peer, "r1");
    muster::Response response;
    if (admission.refusal) {
      response = std::move(*admission.refusal);
    } else {
      muster::Request request;
      request.method = method;
      request.path = head.path;
      request.parameters = std::move(admission.parameters);
      std::string query = question == std::string::npos ? "" : target.substr(question + 1) + "&";
      for (auto end = query.find('&'); end != std::string::npos; end = query.find('&')) {
        const auto equals = query.find('=');
        request.query[query.substr(0, equals)] = query.substr(equals + 1, end - equals - 1);
        query.erase(0, end + 1);
      }
      request.body = body.is_null() ? "" : body.dump();
      request.headers = std::move(headers);
      request.peer = peer;
      request.id = "r1";
      request.route = admission.route;
      response = router.answer(request);
    }
    return {response.status, nlohmann::json::parse(response.body, nullptr, false)};
  }
  // What `muster apply` sends; the test ends where it is refused.
  Answer apply(const std::string& text, bool remove = false) {
    nlohmann::json based_on = nlohmann::json::object();
    if (const auto current = site.current.cluster("lab")) based_on["lab"] = current->revision;
    auto answer = ask("POST", "/v1/operator/apply",
                      {{"clusters", {"lab"}},
                       {"files", {{"site.yaml", text}}},
                       {"basedOn", based_on},
                       {"remove", remove}});
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return answer;
  }
  // An enrolled machine, as the node listener's handshake proved it.
  muster::Peer machine(const std::string& name) {
    const auto key = muster::PrivateKey::generate_p256().value();
    const auto issued = muster::issue_identity(enrolment, {"lab", name}, key.public_key()).value();
    auto found = muster::find_machine(store, {"lab", name}).value();
    found.record.current = issued.identity;
    muster::Transaction transaction;
    muster::put_machine(found, transaction);
    REQUIRE(store.commit(transaction));
    muster::Peer peer;
    peer.listener = muster::ListenerKind::node;
    peer.certificate = muster::Certificate::from_pem(issued.certificate_pem).value();
    peer.certificate_id = peer.certificate->fingerprint();
    return peer;
  }
};

}  // namespace sample
