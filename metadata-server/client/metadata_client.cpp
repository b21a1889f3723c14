#include "client/metadata_client.hpp"

#include <time.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "document/document_format.hpp"
#include "document/held.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr JsonLimits large{8u << 20, 16};

// "Sat, 21 Nov 2026 05:35:32 GMT" (RFC 9110 5.6.7) as Unix seconds; 0 when it is something else.
std::int64_t parse_http_date(const std::string& text) {
  struct tm parts {};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return 0;
  return timegm(&parts);
}

std::chrono::seconds maximum_age(const HttpAnswer& answer, std::chrono::seconds otherwise) {
  const auto header = answer.headers.find("cache-control");
  if (header == answer.headers.end()) return otherwise;
  const auto start = header->second.find("max-age=");
  if (start == std::string::npos) return otherwise;
  std::uint32_t seconds = 0;
  const char* first = header->second.data() + start + 8;
  const auto parsed =
      std::from_chars(first, header->second.data() + header->second.size(), seconds);
  return parsed.ec == std::errc() ? std::chrono::seconds(seconds) : otherwise;
}

HttpRequest get(std::string path) {
  HttpRequest request;
  request.path = std::move(path);
  return request;
}

HttpRequest post(std::string path, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.path = std::move(path);
  request.body = std::move(body);
  return request;
}

}  // namespace

MetadataClient::MetadataClient(HttpClientSettings settings)
    : http_(settings), base_url_(std::move(settings.base_url)) {}

Result<HttpAnswer> MetadataClient::send(const HttpRequest& request) {
  retry_after_ = std::chrono::seconds(0);
  auto answer = http_.send(request);
  if (!answer) return answer;
  retry_after_ = muster::retry_after(*answer);
  if (const auto date = answer->headers.find("date"); date != answer->headers.end()) {
    server_time_ = parse_http_date(date->second);
  }
  return answer;
}

Result<HttpAnswer> MetadataClient::ask(const HttpRequest& request) {
  auto answer = send(request);
  if (!answer || answer->status < 400) return answer;
  return while_doing(error_of(*answer),
                     fmt::format("{} {}{}", request.method, base_url_, request.path));
}

Result<std::vector<Envelope>> MetadataClient::trust() {
  const auto answer = ask(get("/v1/trust"));
  if (!answer) return pass(answer.error());
  const auto json = parse_strict_json("trust answer", answer->body, large);
  if (!json) return pass(json.error());
  if (!json->is_object() || !json->contains("chain") || !(*json)["chain"].is_array()) {
    return fail(ErrorKind::invalid,
                "trust answer: expected {\"chain\": [...]}, found something else");
  }
  std::vector<Envelope> chain;
  for (const auto& link : (*json)["chain"]) {
    auto envelope = parse_envelope(link.dump());
    if (!envelope)
      return while_doing(envelope.error(), fmt::format("trust answer: link {}", chain.size()));
    chain.push_back(std::move(*envelope));
  }
  return chain;
}

Result<std::string> MetadataClient::nonce() {
  const auto answer = ask(post("/v1/nonce", ""));
  if (!answer) return pass(answer.error());
  const auto json = parse_strict_json("nonce answer", answer->body, {4096, 4});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  std::string nonce;
  JsonObject(*json, "", problems, UnknownFields::ignored).text("nonce", nonce);
  if (!problems.empty()) return fail("nonce answer", problems);
  return nonce;
}

Result<std::optional<FetchedEnvelope>> MetadataClient::envelope_at(const std::string& path,
                                                                   std::string_view etag) {
  HttpRequest request = get(path);
  request.headers[document_format_header] = fmt::format("{}", newest_document_format);
  if (!etag.empty()) request.headers["If-None-Match"] = std::string(etag);
  const auto answer = ask(request);
  if (!answer) return pass(answer.error());
  if (answer->status == 304) return std::nullopt;
  auto envelope = parse_envelope(answer->body);
  if (!envelope) return while_doing(envelope.error(), base_url_ + path);
  FetchedEnvelope fetched;
  fetched.envelope = std::move(*envelope);
  if (const auto found = answer->headers.find("etag"); found != answer->headers.end()) {
    fetched.etag = found->second;
  }
  fetched.poll_after = maximum_age(*answer, fetched.poll_after);
  return fetched;
}

Result<std::optional<FetchedEnvelope>> MetadataClient::document(std::string_view etag) {
  return envelope_at("/v1/document", etag);
}

Result<void> MetadataClient::forget_me() {
  HttpRequest request = get("/v1/document");
  request.method = "DELETE";
  if (const auto answer = ask(request); !answer) return pass(answer.error());
  return {};
}

Result<void> MetadataClient::show_held(const std::string& json) {
  HttpRequest request;
  request.method = "POST";
  request.path = held_path;
  request.body = json;
  if (const auto answer = ask(request); !answer) return pass(answer.error());
  return {};
}

Result<std::optional<FetchedEnvelope>> MetadataClient::peers(std::string_view etag) {
  return envelope_at("/v1/peers", etag);
}

Result<std::vector<IssuedCertificate>> MetadataClient::certificates(
    const std::vector<CertificateQuery>& queries) {
  nlohmann::json requests = nlohmann::json::array();
  for (const auto& query : queries)
    requests.push_back({{"name", query.name}, {"csr", query.csr_pem}});
  const auto answer = ask(post("/v1/certificates", canonical_text({{"requests", requests}})));
  if (!answer) return pass(answer.error());
  const auto json = parse_strict_json("certificates answer", answer->body, large);
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  std::vector<IssuedCertificate> issued;
  JsonObject(*json, "", problems, UnknownFields::ignored)
      .objects("certificates", [&](JsonObject& row) {
        IssuedCertificate& certificate = issued.emplace_back();
        row.text("name", certificate.name);
        row.text("certificate", certificate.certificate_pem);
        row.text("authority", certificate.authority_pem);
      });
  if (!problems.empty()) return fail("certificates answer", problems);
  return issued;
}

Result<std::string> MetadataClient::secret(std::string_view secret_name, std::uint64_t version) {
  const auto answer = ask(get(fmt::format("/v1/secrets/{}?version={}", secret_name, version)));
  if (!answer) return pass(answer.error());
  const auto json = parse_strict_json("secret answer", answer->body, large);
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  std::string value;
  JsonObject(*json, "", problems, UnknownFields::ignored).text("value", value);
  if (!problems.empty()) return fail("secret answer", problems);
  return base64_decode(value);
}

Result<ReportAnswer> MetadataClient::report(const Report& report) {
  const auto answer = ask(post("/v1/report", to_json(report)));
  if (!answer) return pass(answer.error());
  return parse_report_answer(answer->body);
}

Result<EtcdTurnAnswer> MetadataClient::etcd_turn(const EtcdTurnRequest& request) {
  const auto answer = ask(post("/v1/etcd/turn", to_json(request)));
  if (!answer) return pass(answer.error());
  return parse_etcd_turn_answer(answer->body);
}

}  // namespace muster
