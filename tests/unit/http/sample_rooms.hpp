// A whole server in memory, without sockets: what the routes table answers, for this room's tests.
#pragma once

#include "enrolment/identity.hpp"
#include "fakes/hooked_store.hpp"
#include "fakes/scratch_folder.hpp"
#include "http/wiring.hpp"
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

struct Grounds {
  Site site;
  muster::ScratchFolder folder;
  muster::ArtifactStore artifacts = muster::ArtifactStore::open(folder.path("artifacts")).value();
  muster::HookedStore hooked{site.memory};
  muster::TimePoint time = now;
  // What the wall clock was set by, without time passing: it stands in `time` too.
  std::chrono::seconds set_by{0};
};

// Wired as the server is, on a store in memory and a clock that the test moves.
struct House : Grounds, muster::Wiring {
  explicit House(std::chrono::milliseconds patience = muster::Views::patience)
      : Wiring(hooked, site.sealing, site.keys, artifacts,
               {[this] { return time; },
                {},
                {},
                muster::TokenPolicy::optional,
                folder.path("audit"),
                admin_group,
                nullptr,
                patience,
                service_account_key,
                [this] { return muster::unix_seconds(time - set_by); }}) {}

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
    if (const auto served = current.cluster("lab")) based_on["lab"] = served->revision;
    auto answer = ask("POST", "/v1/operator/apply",
                      {{"clusters", {"lab"}},
                       {"files", {{"site.yaml", text}}},
                       {"basedOn", based_on},
                       {"remove", remove}});
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return answer;
  }
  // What it reported, without asking who it is.
  void hear(const muster::NodeName& node, const muster::Report& report) {
    muster::Transaction transaction;
    reports.write(node, report, time, transaction);
    REQUIRE(store.commit(transaction));
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
