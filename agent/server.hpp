// The metadata server and the mirrors as the agent sees them: the second seam beside Host, so that
// every phase can be tested without a network.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "client/metadata_client.hpp"
#include "machine/facts.hpp"

namespace muster {

// One listener of the server, whichever of its addresses answers. Blocking; not thread-safe.
class Server {
 public:
  virtual ~Server() = default;
  [[nodiscard]] virtual Result<std::vector<Envelope>> trust() = 0;
  [[nodiscard]] virtual Result<EnrolAnswer> enrol(const PrivateKey& key, const MachineHints& hints,
                                                  const EnrolProofs& proofs) = 0;
  [[nodiscard]] virtual Result<EnrolAnswer> recover(const PrivateKey& key) = 0;
  [[nodiscard]] virtual Result<EnrolAnswer> renew_identity(const PrivateKey& new_key) = 0;
  [[nodiscard]] virtual Result<std::optional<FetchedEnvelope>> document(std::string_view etag) = 0;
  // The tombstone that document() answered with is kept: the server may forget this machine.
  [[nodiscard]] virtual Result<void> forget_me() = 0;
  // What this machine holds (document/held.hpp), to a server that was restored.
  [[nodiscard]] virtual Result<void> show_held(const std::string& json) = 0;
  [[nodiscard]] virtual Result<std::optional<FetchedEnvelope>> peers(std::string_view etag) = 0;
  [[nodiscard]] virtual Result<std::vector<IssuedCertificate>> certificates(
      const std::vector<MetadataClient::CertificateQuery>& queries) = 0;
  [[nodiscard]] virtual Result<std::string> secret(std::string_view secret_name,
                                                   std::uint64_t version) = 0;
  [[nodiscard]] virtual Result<ReportAnswer> report(const Report& report) = 0;
  [[nodiscard]] virtual Result<EtcdTurnAnswer> etcd_turn(const EtcdTurnRequest& request) = 0;
  [[nodiscard]] virtual std::int64_t server_time() const = 0;  // Unix seconds; 0 before an answer
};

struct ApiAnswer {
  int status = 0;
  std::string body;
};

class Network {
 public:
  virtual ~Network() = default;
  // The machine's own, without the loopback.
  [[nodiscard]] virtual std::vector<NetworkInterface> interfaces(const Filesystem& files) = 0;
  // Connects lazily; a call tries each address in order until one answers.
  [[nodiscard]] virtual std::unique_ptr<Server> connect(const std::vector<std::string>& urls,
                                                        const TlsClientSettings& tls) = 0;
  // Streams `wanted` from the server at `url`. Answers the HTTP status (200: the whole body, 206:
  // from the offset); anything else is an error. Thread-safe: each call has a connection of its
  // own.
  [[nodiscard]] virtual Result<int> download(const std::string& url, const Download& wanted) = 0;
  // One call over plain HTTP, to a metadata service: at most `largest_body` bytes, `time` in all.
  // Any status is an answer.
  [[nodiscard]] virtual Result<HttpAnswer> ask(const std::string& url, const HttpRequest& request,
                                               std::size_t largest_body,
                                               std::chrono::milliseconds time) = 0;
  // One GET at kube-apiserver with a client certificate. Any status is an answer.
  [[nodiscard]] virtual Result<ApiAnswer> get(const std::string& url, const std::string& path,
                                              const TlsClientSettings& tls) = 0;
};

}  // namespace muster
