// What an enrolled machine asks for. Its name comes from its certificate, what it may have from the
// document that is published for it.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "document/document_format.hpp"
#include "enrolment/ban.hpp"
#include "fleet/master_turns.hpp"
#include "fleet/report_authority.hpp"
#include "fleet/served_document.hpp"
#include "http/content_encoding.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "http/tombstone_handlers.hpp"
#include "pki/signature.hpp"
#include "records/audit.hpp"
#include "records/secrets.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

namespace handlers {
namespace {

Response envelope_response(const ServedAnswer& answer, std::chrono::seconds poll_after,
                           const Request& request) {
  Response response;
  response.headers = {{"ETag", answer.etag},
                      {"Cache-Control", fmt::format("private, max-age={}", poll_after.count())}};
  if (none_match_names(request.header("if-none-match"), answer.etag)) {
    response.status = 304;
  } else {
    response.body = answer.body;
  }
  return response;
}

// A machine whose cluster ends before it would ask again, asks right after the end.
std::chrono::seconds poll_after(const Rooms& rooms, const NodeName& node) {
  const auto usual = rooms.reports.poll_after(node);
  const auto left = rooms.ends.left(node.cluster, unix_seconds(rooms.enrolment.now()));
  return left && *left < usual ? *left + std::chrono::seconds(2) : usual;
}

// 1 where the agent says nothing, as all did before 0.3.
Result<std::uint32_t> format_read_by(const Request& request) {
  const std::string& text = request.header("muster-document-format");
  if (text.empty()) return 1;
  std::uint32_t format = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, format);
  if (parsed.ec == std::errc() && parsed.ptr == end && format > 0) return format;
  return fail(ErrorKind::invalid,
              fmt::format("{}: expected the newest format that is read, such as 1, found {}",
                          document_format_header, in_ticks(text)));
}

// Never an older form of it: what the operator ordered is in effect, or is told not to be.
Result<void> check_reads(std::uint32_t reads, const ServedAnswer& answer, const NodeName& node) {
  if (answer.format <= reads) return {};
  return fail(
      ErrorKind::conflict, "agent_too_old",
      fmt::format(
          "document of '{}/{}': it has format {}, and this machine's agent reads {}; upgrade its agent (units/README.md), it keeps to the document that it has until then",
          node.cluster, node.node, answer.format, reads));
}

struct Order {
  CertificateSpec specification;
  PublicKey key;
};

Result<Order> read_order(const NodeDocument& document, const std::string& name,
                         const std::string& csr) {
  const auto& listed = document.certificates;
  const auto found = std::find_if(listed.begin(), listed.end(),
                                  [&](const CertificateSpec& spec) { return spec.name == name; });
  if (found == listed.end()) return pass(not_yours());
  const auto request = CertificateRequest::from_pem(csr);
  if (!request) {
    return fail(ErrorKind::invalid, "csr_invalid",
                fmt::format("certificate {}: {}", in_ticks(name), request.error().message));
  }
  return Order{*found, request->public_key()};
}

}  // namespace

Result<Response> get_document(const Rooms& rooms, const Caller& caller, const Request& request) {
  if (caller.ended) return tombstone_response(rooms, caller);
  const auto answer = served_answer(rooms, caller.node);
  if (!answer) return pass(answer.error());
  const auto reads = format_read_by(request);
  if (!reads) return pass(reads.error());
  if (auto readable = check_reads(*reads, **answer, caller.node); !readable)
    return pass(readable.error());
  rooms.reports.note_served(caller.node, std::string((*answer)->digest()), rooms.enrolment.now());
  return envelope_response(**answer, poll_after(rooms, caller.node), request);
}

Result<Response> get_peers(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto answer = rooms.current.peers(caller.node.cluster);
  if (!answer) return pass(not_yours());
  return envelope_response(*answer, poll_after(rooms, caller.node), request);
}

Result<Response> post_certificates(const Rooms& rooms, const Caller& caller,
                                   const Request& request) {
  if (auto free = check_not_frozen(caller); !free) return pass(free.error());
  std::vector<std::pair<std::string, std::string>> asked;
  auto read = read_json_body("certificates request", request, [&](JsonObject& root) {
    root.objects("requests", [&](JsonObject& row) {
      auto& [name, csr] = asked.emplace_back();
      row.text("name", name);
      row.text("csr", csr);
    });
    if (asked.size() > 32) root.problem("requests", "expected at most 32 rows");
  });
  if (!read) return pass(read.error());
  const auto document = served_document(rooms, caller.node);
  if (!document) return pass(document.error());
  const TimePoint now = rooms.enrolment.now();
  nlohmann::json issued = nlohmann::json::array();
  Transaction audit;
  for (const auto& [name, csr] : asked) {
    const auto order = read_order(*document, name, csr);
    if (!order) return pass(order.error());
    const auto certificate = issue_certificate(rooms.store, rooms.sealing, caller.node.cluster,
                                               order->specification, order->key, now);
    if (!certificate) return pass(certificate.error());
    append_audit(audit, now, caller.text(), "certificate-issued",
                 fmt::format("{}/{}/{}", caller.node.cluster, caller.node.node, name),
                 order->key.fingerprint());
    issued.push_back({{"name", name},
                      {"certificate", certificate->certificate},
                      {"authority", certificate->authority}});
  }
  // No certificate leaves without its row.
  if (auto written = rooms.store.commit(audit); !written) return pass(written.error());
  spdlog::info("{}: issued {} certificates", caller.text(), asked.size());
  return json_response({{"certificates", issued}});
}

Result<Response> get_secret(const Rooms& rooms, const Caller& caller, const Request& request) {
  if (auto free = check_not_frozen(caller); !free) return pass(free.error());
  const std::string& name = request.parameters.at("name");
  const auto version = query_number(request, "version", 0);
  if (!version) return pass(version.error());
  const auto document = served_document(rooms, caller.node);
  if (!document) return pass(document.error());
  const auto& named = document->config.secrets;
  const bool mine = std::any_of(named.begin(), named.end(), [&](const SecretReference& secret) {
    return secret.name == name && secret.version == *version;
  });
  if (!mine) return pass(not_yours());
  const auto value =
      muster::get_secret(rooms.store, rooms.sealing, caller.node.cluster, name, *version);
  if (!value) return pass(value.error());
  Transaction audit;
  append_audit(audit, rooms.enrolment.now(), caller.text(), "secret-read",
               fmt::format("{}/{}", caller.node.cluster, name),
               fmt::format("version {}", *version));
  if (auto written = rooms.store.commit(audit); !written) return pass(written.error());
  spdlog::info("{}: read secret {} version {}", caller.text(), name, *version);
  Response response =
      json_response({{"name", name}, {"version", *version}, {"value", base64_encode(*value)}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<Response> post_report(const Rooms& rooms, const Caller& caller, const Request& request) {
  auto report = parse_report(request.body);
  if (!report) return pass(report.error());
  drop_what_is_not_its_own(rooms, caller, *report);
  // A question, and nothing to be kept of the machine.
  const bool asks_turn = std::exchange(report->asks_turn, false);
  const TimePoint now = rooms.enrolment.now();
  const auto noted =
      note_report(rooms.enrolment, caller.node, *report, [&](Transaction& transaction) {
        rooms.reports.write(caller.node, *report, now, transaction);
      });
  if (!noted) return pass(noted.error());
  if (!noted->froze && !caller.frozen) rooms.clock.hear(caller.text(), report->sent_at);
  if (noted->froze)
    spdlog::warn("{}: its identity was seen on two machines and is frozen", caller.text());
  if (auto known = note_etcd_of(rooms, caller, *report); !known) return pass(known.error());
  if (report->verdict == Verdict::failed) {
    spdlog::warn("{}: failed ({}): {}", caller.text(), report->failure_class,
                 in_ticks(report->message));
  }
  ReportAnswer answer;
  answer.poll_after = poll_after(rooms, caller.node);
  if (asks_turn) {
    const auto waits_for = order_converge_of(rooms, caller.node, caller.text());
    if (!waits_for) return pass(waits_for.error());
    answer.turn_waits_for = *waits_for;
  }
  const auto converge = answers_converge(rooms, caller.node, noted->converge);
  if (!converge) return pass(converge.error());
  answer.converge = *converge;
  return text_response(to_json(answer));
}

}  // namespace handlers
}  // namespace muster
