// The metadata server's HTTP surface as functions (metadata-server/http/README.md). Blocking; not
// thread-safe. Errors keep the server's kind and message, prefixed with the URL.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/etcd_turn.hpp"
#include "client/http_client.hpp"
#include "client/proof.hpp"
#include "document/machine_hints.hpp"
#include "document/report.hpp"
#include "document/signed_document.hpp"
#include "pki/private_key.hpp"
#include "result/result.hpp"

namespace muster {

struct FetchedEnvelope {
  Envelope envelope;
  std::string etag;
  std::chrono::seconds poll_after{60};
};

// What a machine may have besides its key: both may be empty.
struct EnrolProofs {
  std::string token;
  std::string instance_identity;  // EC2's rsa2048 text
};

struct EnrolAnswer {
  bool pending = false;         // waits for `muster approve`; ask again after poll_after
  bool awaits_masters = false;  // pending, until its cluster's masters are there
  bool awaits_backup = false;   // pending, until its cluster's keys are in a backup
  // Not admitted by the token alone: why. Ask again with an instance identity document.
  std::string proof_missing;
  std::string fingerprint;  // of the machine's public key, shown on both sides
  std::chrono::seconds poll_after{5};
  std::string node, cluster;          // as the inventory names this machine
  std::string certificate_pem;        // identity certificate, chain included
  std::optional<Envelope> tombstone;  // instead of all that, of a recovery: its cluster ended
};

struct IssuedCertificate {
  std::string name;
  std::string certificate_pem;
  std::string authority_pem;
};

class MetadataClient {
 public:
  explicit MetadataClient(HttpClientSettings settings);

  [[nodiscard]] Result<std::vector<Envelope>> trust();  // chain, oldest first
  [[nodiscard]] Result<std::string> nonce();
  // The proof of `key` (signature over nonce and CSR) is made here.
  [[nodiscard]] Result<EnrolAnswer> enrol(const PrivateKey& key, const MachineHints& hints,
                                          const EnrolProofs& proofs);
  // The connection must present the expired (or valid) identity certificate of the same key.
  [[nodiscard]] Result<EnrolAnswer> recover(const PrivateKey& key);
  [[nodiscard]] Result<EnrolAnswer> renew_identity(const PrivateKey& new_key);

  // nullopt: unchanged since `etag`. Of a machine whose cluster ended, its tombstone.
  [[nodiscard]] Result<std::optional<FetchedEnvelope>> document(std::string_view etag);
  // That tombstone is kept, durably: the server may forget this machine.
  [[nodiscard]] Result<void> forget_me();
  // What the machine holds (document/held.hpp), to a server that was restored.
  [[nodiscard]] Result<void> show_held(const std::string& json);
  [[nodiscard]] Result<std::optional<FetchedEnvelope>> peers(std::string_view etag);
  struct CertificateQuery {
    std::string name, csr_pem;
  };
  [[nodiscard]] Result<std::vector<IssuedCertificate>> certificates(
      const std::vector<CertificateQuery>& queries);
  [[nodiscard]] Result<std::string> secret(std::string_view secret_name, std::uint64_t version);
  [[nodiscard]] Result<ReportAnswer> report(const Report& report);
  [[nodiscard]] Result<EtcdTurnAnswer> etcd_turn(const EtcdTurnRequest& request);
  // Unix seconds by the server's Date header of the last answer; 0 before one.
  [[nodiscard]] std::int64_t server_time() const { return server_time_; }
  // For how long the last call's answer wants to be left alone (http_client.hpp); 0: it does not.
  [[nodiscard]] std::chrono::seconds retry_after() const { return retry_after_; }

 private:
  // Sends and notes the server's time, and what it says of the next call.
  [[nodiscard]] Result<HttpAnswer> send(const HttpRequest& request);
  // The same, and turns statuses from 400 on into errors.
  [[nodiscard]] Result<HttpAnswer> ask(const HttpRequest& request);
  [[nodiscard]] Result<std::optional<FetchedEnvelope>> envelope_at(const std::string& path,
                                                                   std::string_view etag);
  [[nodiscard]] Result<EnrolAnswer> prove(ProofPurpose purpose, const std::string& path,
                                          const PrivateKey& key, const MachineHints* hints,
                                          const EnrolProofs& proofs);

  HttpClient http_;
  std::string base_url_;
  std::int64_t server_time_ = 0;
  std::chrono::seconds retry_after_{0};
};

}  // namespace muster
