// What an enrolled machine asks for. Its name comes from its certificate, what it may have from the
// document that is published for it.
#include <charconv>
#include <utility>

#include "document/document_format.hpp"
#include "fleet/machine_credentials.hpp"
#include "fleet/report_intake.hpp"
#include "fleet/served_document.hpp"
#include "http/content_encoding.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "http/tombstone_handlers.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace handlers {
namespace {

// The peer list of thousands of machines, that all of them fetch at once.
constexpr std::size_t largest_copy = 64u << 10;

Response envelope_response(const std::shared_ptr<const ServedAnswer>& served,
                           std::chrono::seconds poll_after, const Request& request) {
  const ServedAnswer& answer = *served;
  Response response;
  response.headers = {{"ETag", answer.etag},
                      {"Cache-Control", fmt::format("private, max-age={}", poll_after.count())}};
  if (none_match_names(request.header("if-none-match"), answer.etag)) {
    response.status = 304;
  } else if (answer.body.size() > largest_copy) {
    response.shared_body = {served, &answer.body};
  } else {
    response.body = answer.body;
  }
  return response;
}

// 1 where the agent says nothing, as all did before 0.3.
Result<std::uint32_t> format_read_by(const Request& request) {
  const auto sent = request.headers.find("muster-document-format");
  if (sent == request.headers.end()) return 1;
  const std::string& text = sent->second;
  std::uint32_t format = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, format);
  if (parsed.ec == std::errc() && parsed.ptr == end && format > 0) return format;
  return fail(ErrorKind::invalid,
              fmt::format("{}: expected the newest format that is read, such as 1, found {}",
                          document_format_header, in_ticks(text)));
}

}  // namespace

Result<Response> get_document(const Rooms& rooms, const Caller& caller, const Request& request) {
  if (caller.ended) return tombstone_response(rooms, caller);
  const auto reads = format_read_by(request);
  if (!reads) return pass(reads.error());
  const auto answer = readable_answer(rooms, caller.node, *reads);
  if (!answer) return pass(answer.error());
  rooms.reports.note_served(caller.node, std::string((*answer)->digest()), rooms.enrolment.now());
  return envelope_response(*answer, poll_after(rooms, caller.node), request);
}

Result<Response> get_peers(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto answer = rooms.current.peers(caller.node.cluster);
  if (!answer) return pass(not_yours());
  return envelope_response(answer, poll_after(rooms, caller.node), request);
}

Result<Response> post_certificates(const Rooms& rooms, const Caller& caller,
                                   const Request& request) {
  std::vector<CertificateOrder> orders;
  auto read = read_json_body("certificates request", request, [&](JsonObject& root) {
    root.objects("requests", [&](JsonObject& row) {
      CertificateOrder& order = orders.emplace_back();
      row.text("name", order.name);
      row.text("csr", order.csr);
    });
    if (orders.size() > 32) root.problem("requests", "expected at most 32 rows");
  });
  if (!read) return pass(read.error());
  const auto issued = issue_certificates(rooms, caller, orders);
  if (!issued) return pass(issued.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& certificate : *issued) {
    rows.push_back({{"name", certificate.name},
                    {"certificate", certificate.certificate},
                    {"authority", certificate.authority}});
  }
  return json_response({{"certificates", rows}});
}

Result<Response> get_secret(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& name = request.parameters.at("name");
  const auto version = query_number(request, "version", 0);
  if (!version) return pass(version.error());
  const auto value = hand_out_secret(rooms, caller, name, *version);
  if (!value) return pass(value.error());
  Response response =
      json_response({{"name", name}, {"version", *version}, {"value", base64_encode(*value)}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<Response> post_report(const Rooms& rooms, const Caller& caller, const Request& request) {
  auto report = parse_report(request.body);
  if (!report) return pass(report.error());
  const auto answer = take_report(rooms, caller, std::move(*report));
  if (!answer) return pass(answer.error());
  return text_response(to_json(*answer));
}

}  // namespace handlers
}  // namespace muster
