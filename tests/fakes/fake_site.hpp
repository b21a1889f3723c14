// A metadata server in memory with real keys and signatures: what an agent is served by `network`.
#pragma once

#include <mutex>

#include <map>

#include "agent/server.hpp"
#include "document/held.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "document/time_text.hpp"
#include "document/trust_list.hpp"
#include "fakes/fake_host.hpp"
#include "pki/certificate_authority.hpp"
#include "pki/signature.hpp"

namespace muster {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

class FakeSite {
 public:
  PrivateKey site_key = must(PrivateKey::generate_ed25519());
  PrivateKey document_key = must(PrivateKey::generate_ed25519());
  CertificateAuthority server_ca = authority("server");
  CertificateAuthority machine_ca = authority("machines");
  CertificateAuthority cluster_ca = authority("kubernetes-lab");
  FakeClock& clock;

  bool is_away = false;
  bool is_banned = false;     // this machine
  bool is_stranger = false;   // another site's server has its address
  bool is_forgetful = false;  // the server's database is from before this machine
  std::uint64_t trust_version = 1;
  PrivateKey stranger_key = must(PrivateKey::generate_ed25519());
  bool is_pending = false;                   // enrolment waits for approval
  bool awaits_masters = false;               // or for masters, where it is pending
  bool wants_identity = false;               // a token alone lets nobody in
  std::vector<std::string> shown;            // what it holds, to a server that was restored
  bool is_sealed = false;                    // so this one says
  std::vector<std::string> told_identities;  // EC2's, at each enrolment
  std::int64_t clock_offset = 0;             // of the server against the machine, seconds
  Envelope document_envelope, peers_envelope;
  std::optional<Envelope> tombstone;                      // answers recoveries
  std::map<std::string, std::string> secrets, artifacts;  // artifacts: digest -> bytes
  std::vector<Report> reports;
  bool gives_turns = true;         // to masters that ask for them; a server before 0.3 does not
  std::string turn_waits_for;      // what they wait for
  std::vector<std::string> asked;  // "document", "certificates kubelet-client", ...
  std::vector<std::vector<std::string>> told_macs;  // at each enrolment
  EtcdTurnAnswer turn{"start-new", "m1=https://10.0.0.1:2380", {}, {}, {}};
  std::optional<EtcdTurnAnswer> turn_without_data;  // nothing: the same
  bool is_node_ready = true;
  bool converge_ordered = false;       // told once
  std::string reported_boot;           // the boot of kubelet's last status
  std::chrono::seconds status_age{0};  // how old that status is
  std::string node = "m1", cluster = "lab";

  // What is answered in the place of the document or the peers, told by the ETag that was sent.
  std::function<std::optional<Result<std::optional<FetchedEnvelope>>>(const Envelope& found,
                                                                      std::string_view etag)>
      odd_answer;

  explicit FakeSite(FakeClock& machine_clock) : clock(machine_clock) {}

  [[nodiscard]] std::string pin() const { return site_key.public_key().fingerprint(); }

  [[nodiscard]] TrustList trust_list() const {
    TrustList list;
    list.site = pin();
    list.version = trust_version;
    list.site_key = site_key.public_key().pem();
    list.server_authorities = {server_ca.certificate().pem()};
    list.document_keys = {{document_key.public_key().pem(), "site"}};
    list.servers = {
        {"http://10.0.0.254:8080"}, {"https://10.0.0.254:8443"}, {"https://10.0.0.254:8444"}};
    return list;
  }

  void serve(const NodeDocument& document) {
    document_envelope =
        must(sign_envelope(node_document_type, to_canonical_json(document), document_key));
  }
  void serve(const PeerList& peers) {
    peers_envelope = must(sign_envelope(peer_list_type, to_canonical_json(peers), document_key));
  }
  // A release of these files, in the store; its reference for a document.
  ReleaseReference publish(const std::string& name, const std::string& version,
                           const std::map<std::string, std::string>& files) {
    Release release{name, version, "amd64", {}};
    std::uint64_t size = 0;
    for (const auto& [path, bytes] : files) {
      const bool is_image = path.rfind("images/", 0) == 0;
      release.artifacts.push_back({path, is_image ? ArtifactKind::image : ArtifactKind::file,
                                   is_image ? "0644" : "0755", sha256_digest(bytes), bytes.size()});
      artifacts[sha256_digest(bytes)] = bytes;
      size += bytes.size();
    }
    const std::string manifest = to_canonical_json(release);
    artifacts[sha256_digest(manifest)] = manifest;
    return {name, version, sha256_digest(manifest), size};
  }
  [[nodiscard]] Result<Certificate> identity(const PublicKey& key) const {
    Subject subject;
    subject.common_name = node;
    subject.organizations = {"muster:machine"};
    subject.organizational_units = {cluster};
    subject.client = true;
    return machine_ca.issue(key, subject, std::chrono::hours(72), clock.now());
  }

 private:
  static CertificateAuthority authority(std::string_view name) {
    return must(CertificateAuthority::create(name, std::chrono::hours(24 * 3650)));
  }
};

class FakeServer final : public Server {
 public:
  explicit FakeServer(FakeSite& site, TlsClientSettings tls = {})
      : site_(site), tls_(std::move(tls)) {}
  Result<std::vector<Envelope>> trust() override {
    if (auto why = unreachable()) return *why;
    if (site_.is_banned) return fail(ErrorKind::forbidden, "machine 'lab/n1' is banned");
    if (site_.is_forgetful)
      return fail(ErrorKind::unauthenticated, "identity_unknown",
                  "identity: no machine of this site has it");
    has_answered_ = true;
    const PrivateKey& key = site_.is_stranger ? site_.stranger_key : site_.site_key;
    return std::vector<Envelope>{
        must(sign_envelope(trust_list_type, to_canonical_json(site_.trust_list()), key))};
  }
  Result<EnrolAnswer> enrol(const PrivateKey& key, const MachineHints& hints,
                            const EnrolProofs& proofs) override {
    if (auto why = unreachable()) return *why;
    site_.asked.emplace_back("enrol");
    site_.told_macs.push_back(hints.macs);
    site_.told_identities.push_back(proofs.instance_identity);
    EnrolAnswer answer;
    if (site_.wants_identity && proofs.instance_identity != "signed") {
      answer.proof_missing = "pool 'lab/ci': expected token and instanceIdentity";
      return answer;
    }
    answer.pending = site_.is_pending;
    answer.awaits_masters = site_.awaits_masters;
    answer.fingerprint = key.public_key().fingerprint();
    if (!answer.pending) answer.certificate_pem = must(site_.identity(key.public_key())).pem();
    return answer;
  }
  Result<EnrolAnswer> recover(const PrivateKey& key) override {
    site_.asked.emplace_back("recover");
    if (site_.tombstone) {
      EnrolAnswer ended;
      ended.tombstone = site_.tombstone;
      return ended;
    }
    return enrol(key, {}, {});
  }
  Result<EnrolAnswer> renew_identity(const PrivateKey& key) override {
    site_.asked.emplace_back("renew");
    return enrol(key, {}, {});
  }
  Result<std::optional<FetchedEnvelope>> document(std::string_view etag) override {
    site_.asked.emplace_back("document");
    if (site_.is_sealed) return fail(ErrorKind::unavailable, sealed_code, "cluster 'lab': sealed");
    return envelope(site_.document_envelope, etag);
  }
  Result<void> forget_me() override {
    if (auto why = unreachable()) return *why;
    site_.asked.emplace_back("forget-me");
    return {};
  }
  Result<void> show_held(const std::string& json) override {
    if (auto why = unreachable()) return *why;
    site_.shown.push_back(json);
    return {};
  }
  Result<std::optional<FetchedEnvelope>> peers(std::string_view etag) override {
    return envelope(site_.peers_envelope, etag);
  }
  Result<std::vector<IssuedCertificate>> certificates(
      const std::vector<MetadataClient::CertificateQuery>& queries) override {
    if (auto why = unreachable()) return *why;
    std::vector<IssuedCertificate> issued;
    for (const auto& query : queries) {
      site_.asked.push_back("certificate " + query.name);
      auto request = must(CertificateRequest::from_pem(query.csr_pem));
      Subject subject;
      subject.common_name = query.name;
      subject.client = true;
      auto certificate = must(site_.cluster_ca.issue(request.public_key(), subject,
                                                     std::chrono::hours(24), site_.clock.now()));
      issued.push_back({query.name, certificate.pem(), site_.cluster_ca.certificate().pem()});
    }
    return issued;
  }
  Result<std::string> secret(std::string_view secret_name, std::uint64_t) override {
    if (auto why = unreachable()) return *why;
    return site_.secrets[std::string(secret_name)];
  }
  Result<ReportAnswer> report(const Report& report) override {
    if (auto why = unreachable()) return *why;
    site_.reports.push_back(report);
    ReportAnswer answer;
    answer.converge = std::exchange(site_.converge_ordered, false);
    if (report.asks_turn) {
      answer.turn_waits_for = site_.turn_waits_for;
      answer.converge = site_.turn_waits_for.empty() && site_.gives_turns;
    }
    return answer;
  }
  Result<EtcdTurnAnswer> etcd_turn(const EtcdTurnRequest& request) override {
    if (auto why = unreachable()) return *why;
    site_.asked.emplace_back("etcd-turn");
    return request.has_data || !site_.turn_without_data ? site_.turn : *site_.turn_without_data;
  }
  std::int64_t server_time() const override {
    if (!has_answered_) return 0;
    return std::chrono::system_clock::to_time_t(site_.clock.now()) + site_.clock_offset;
  }

 private:
  [[nodiscard]] std::optional<tl::unexpected<Error>> unreachable() const {
    if (site_.is_away)
      return fail(ErrorKind::unavailable, "https://10.0.0.254:8444: connection refused");
    if (!tls_.verify_server) return std::nullopt;
    if (site_.is_stranger)
      return fail(ErrorKind::unauthenticated, "https://10.0.0.254:8444: self-signed certificate");
    if (tls_.check_dates && std::abs(site_.clock_offset) > 86'400)
      return fail(ErrorKind::unauthenticated, "https://10.0.0.254:8444: not valid at this time");
    return std::nullopt;
  }
  Result<std::optional<FetchedEnvelope>> envelope(const Envelope& found, std::string_view etag) {
    if (auto why = unreachable()) return *why;
    if (site_.odd_answer) {
      if (auto odd = site_.odd_answer(found, etag)) return *odd;
    }
    const std::string now = "\"" + digest(found) + "\"";
    if (etag == now) return std::optional<FetchedEnvelope>();
    return std::optional<FetchedEnvelope>(FetchedEnvelope{found, now, std::chrono::seconds(60)});
  }
  FakeSite& site_;
  TlsClientSettings tls_;
  bool has_answered_ = false;
};

class FakeNetwork final : public Network {
 public:
  explicit FakeNetwork(FakeSite& site) : site_(site) {}
  std::vector<std::string> downloads;  // "sha256:... from 0 or zstd"
  std::size_t cut_after = 0;           // bytes after which a download breaks off once; 0: never
  std::string altered;                 // digest whose bytes are sent with the first one changed

  std::string address = "10.77.0.11";  // of the machine's only interface
  std::string mac = "52:54:00:00:00:01";
  std::chrono::nanoseconds address_at{0};  // CLOCK_BOOTTIME; link-local before
  std::chrono::nanoseconds api_at{0};      // the API server refuses connections before
  // What it answers to a GET of the Node in the place of a status; nothing: that.
  std::function<std::optional<ApiAnswer>()> on_node = [] { return std::optional<ApiAnswer>(); };
  std::function<void()> on_look = [] {};  // each time the interfaces are asked for
  std::vector<NetworkInterface> interfaces(const Filesystem&) override {
    on_look();
    const bool is_late = site_.clock.since_boot() < address_at;
    return {{"eth0", mac, {is_late ? "fe80::5054:ff:fe00:1" : address}}};
  }
  std::unique_ptr<Server> connect(const std::vector<std::string>&,
                                  const TlsClientSettings& tls) override {
    return std::make_unique<FakeServer>(site_, tls);
  }
  // Digest -> what a source sends to whoever takes zstd, whatever it is.
  std::map<std::string, std::string> zstd_forms;
  std::function<void()> on_download = [] {};  // before each answer, on the caller's thread
  // What a source answers in the place of what is there; none: that.
  std::function<std::optional<Result<int>>(const std::string& url, const Download&)> rogue;
  Result<int> download(const std::string& url, const Download& wanted) override {
    on_download();
    const std::lock_guard lock(mutex_);
    const std::string digest = wanted.path.substr(wanted.path.find_last_of('/') + 1);
    downloads.push_back(
        fmt::format("{} from {}{}", digest, wanted.offset, wanted.takes_zstd ? " or zstd" : ""));
    if (rogue) {
      if (auto answer = rogue(url, wanted)) return *answer;
    }
    const auto found = site_.artifacts.find(digest);
    if (site_.is_away) return fail(ErrorKind::unavailable, url + ": connection refused");
    if (found == site_.artifacts.end()) return fail(ErrorKind::not_found, "no such artifact");
    const auto form = zstd_forms.find(digest);
    const bool is_coded = wanted.takes_zstd && form != zstd_forms.end();
    std::string bytes = is_coded ? form->second : found->second;
    if (digest == altered) bytes[0] = static_cast<char>(bytes[0] ^ 1);
    bytes.erase(0, wanted.offset);
    const Coding coding = is_coded ? Coding::zstd : Coding::none;
    if (cut_after > 0 && bytes.size() > cut_after) {
      bytes.resize(cut_after);
      cut_after = 0;
      static_cast<void>(wanted.sink(bytes, coding));
      return fail(ErrorKind::unavailable, "connection reset");
    }
    if (!wanted.sink(bytes, coding)) return fail(ErrorKind::conflict, "stopped");
    return wanted.offset > 0 ? 206 : 200;
  }
  // The metadata service, where a test has one.
  std::function<Result<HttpAnswer>(const HttpRequest&)> metadata;
  std::vector<std::string> metadata_calls;  // "GET /latest/user-data"
  Result<HttpAnswer> ask(const std::string& url, const HttpRequest& request, std::size_t,
                         std::chrono::milliseconds) override {
    metadata_calls.push_back(request.method + " " + request.path);
    if (metadata) return metadata(request);
    return fail(ErrorKind::unavailable,
                fmt::format("{} {}{}: no connection", request.method, url, request.path));
  }
  int etcd_health = 0;  // of this machine's own etcd: the status; 0: it refuses connections
  Result<ApiAnswer> get(const std::string& url, const std::string& path,
                        const TlsClientSettings&) override {
    if (url == "http://127.0.0.1:2381" && etcd_health != 0) return ApiAnswer{etcd_health, ""};
    if (path == "/health" || site_.clock.since_boot() < api_at) {
      return fail(ErrorKind::unavailable, "connection refused");
    }
    if (path.rfind("/api/v1/nodes/", 0) == 0) {
      if (auto answer = on_node()) return *answer;
    }
    return ApiAnswer{
        200,
        fmt::format(R"({{"status":{{"nodeInfo":{{"bootID":"{}"}},"conditions":[{{"type":"Ready",)"
                    R"("status":"{}","reason":"R","message":"M","lastHeartbeatTime":"{}"}}]}}}})",
                    site_.reported_boot, site_.is_node_ready ? "True" : "False", heartbeat())};
  }

 private:
  [[nodiscard]] std::string heartbeat() const {
    return utc_text(site_.clock.now() - site_.status_age);
  }
  FakeSite& site_;
  std::mutex mutex_;
};

}  // namespace muster
