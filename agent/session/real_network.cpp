#include "agent/session/real_network.hpp"

#include "agent/host/interfaces.hpp"
#include "agent/host/notify.hpp"
#include "document/held.hpp"

namespace muster {
namespace {

// Whichever of its addresses it is that answers.
const std::string the_site;

class RealServer final : public Server {
 public:
  RealServer(const std::vector<std::string>& urls, const TlsClientSettings& tls,
             ServerPauses& pauses)
      : urls_(urls), is_verified_(tls.verify_server), pauses_(pauses) {
    for (const auto& url : urls) {
      HttpClientSettings settings;
      settings.base_url = url;
      settings.tls = tls;
      clients_.emplace_back(std::move(settings));
    }
  }

  Result<std::vector<Envelope>> trust() override {
    return first([](MetadataClient& client) { return client.trust(); });
  }
  Result<EnrolAnswer> enrol(const PrivateKey& key, const MachineHints& hints,
                            const EnrolProofs& proofs) override {
    return first([&](MetadataClient& client) { return client.enrol(key, hints, proofs); });
  }
  Result<EnrolAnswer> recover(const PrivateKey& key) override {
    return first([&](MetadataClient& client) { return client.recover(key); });
  }
  Result<EnrolAnswer> renew_identity(const PrivateKey& new_key) override {
    return first([&](MetadataClient& client) { return client.renew_identity(new_key); });
  }
  Result<std::optional<FetchedEnvelope>> document(std::string_view etag) override {
    return first([&](MetadataClient& client) { return client.document(etag); });
  }
  Result<void> forget_me() override {
    return first([](MetadataClient& client) { return client.forget_me(); });
  }
  Result<void> show_held(const std::string& json) override {
    return first([&](MetadataClient& client) { return client.show_held(json); });
  }
  Result<std::optional<FetchedEnvelope>> peers(std::string_view etag) override {
    return first([&](MetadataClient& client) { return client.peers(etag); });
  }
  Result<std::vector<IssuedCertificate>> certificates(
      const std::vector<MetadataClient::CertificateQuery>& queries) override {
    return first([&](MetadataClient& client) { return client.certificates(queries); });
  }
  Result<std::string> secret(std::string_view secret_name, std::uint64_t version) override {
    return first([&](MetadataClient& client) { return client.secret(secret_name, version); });
  }
  Result<ReportAnswer> report(const Report& report) override {
    return first([&](MetadataClient& client) { return client.report(report); });
  }
  Result<EtcdTurnAnswer> etcd_turn(const EtcdTurnRequest& request) override {
    return first([&](MetadataClient& client) { return client.etcd_turn(request); });
  }
  std::int64_t server_time() const override {
    return clients_.empty() ? 0 : clients_[current_].server_time();
  }

 private:
  // The address that answered last is asked first; only silence moves on to the next. A server that
  // was restored answers, and the others may be of the one that burned down.
  template <class Call>
  auto first(Call call) -> decltype(call(std::declval<MetadataClient&>())) {
    if (clients_.empty()) {
      return fail(ErrorKind::unavailable, "the trust list names no server address for this");
    }
    for (std::size_t tried = 0;; ++tried) {
      notify_alive();
      auto answer = ask_current(call);
      const bool is_silent = !answer && answer.error().code != sealed_code &&
                             (answer.error().kind == ErrorKind::unavailable ||
                              answer.error().kind == ErrorKind::timeout);
      if (!is_silent || tried + 1 >= clients_.size()) return answer;
      current_ = (current_ + 1) % clients_.size();
    }
  }

  template <class Call>
  auto ask_current(Call& call) -> decltype(call(std::declval<MetadataClient&>())) {
    const std::string& whose = is_verified_ ? the_site : urls_[current_];
    if (auto busy = pauses_.in_effect(whose)) return pass(std::move(*busy));
    auto answer = call(clients_[current_]);
    const auto pause = clients_[current_].retry_after();
    // A sealed server is not busy: it waits for what this machine holds.
    const bool is_busy = !answer && answer.error().code != sealed_code;
    if (is_busy && pause.count() > 0) pauses_.begin(whose, pause, answer.error());
    return answer;
  }

  const std::vector<std::string> urls_;
  const bool is_verified_;
  ServerPauses& pauses_;
  std::vector<MetadataClient> clients_;
  std::size_t current_ = 0;
};

}  // namespace

std::vector<NetworkInterface> RealNetwork::interfaces(const Filesystem& files) {
  return list_interfaces(files);
}

std::unique_ptr<Server> RealNetwork::connect(const std::vector<std::string>& urls,
                                             const TlsClientSettings& tls) {
  return std::make_unique<RealServer>(urls, tls, pauses_);
}

Result<int> RealNetwork::download(const std::string& url, const Download& wanted) {
  if (auto busy = pauses_.in_effect(url)) return pass(std::move(*busy));
  HttpClientSettings settings;
  settings.base_url = url;
  settings.total_timeout = std::chrono::seconds(60);
  settings.stall_timeout = std::chrono::seconds(15);
  settings.on_wait = [] { notify_alive(); };
  HttpClient client(std::move(settings));
  auto answer = client.download(wanted);
  if (!answer) return pass(answer.error());
  if (answer->status == 200 || answer->status == 206) return answer->status;
  Error refused = error_of(*answer);
  if (const auto pause = retry_after(*answer); pause.count() > 0) {
    pauses_.begin(url, pause, refused);
  }
  return pass(std::move(refused));
}

Result<HttpAnswer> RealNetwork::ask(const std::string& url, const HttpRequest& request,
                                    std::size_t largest_body, std::chrono::milliseconds time) {
  HttpClientSettings settings;
  settings.base_url = url;
  settings.maximum_body = largest_body;
  settings.total_timeout = time;
  notify_alive();
  return HttpClient(std::move(settings)).send(request);
}

Result<ApiAnswer> RealNetwork::get(const std::string& url, const std::string& path,
                                   const TlsClientSettings& tls) {
  HttpClientSettings settings;
  settings.base_url = url;
  settings.tls = tls;
  settings.accepts_chunks = true;
  settings.total_timeout = std::chrono::seconds(5);
  HttpClient client(std::move(settings));
  HttpRequest request;
  request.path = path;
  notify_alive();
  auto answer = client.send(request);
  if (!answer) return pass(answer.error());
  return ApiAnswer{answer->status, answer->body};
}

}  // namespace muster
