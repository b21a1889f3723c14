#include "document/report.hpp"

#include "document/json_object.hpp"
#include "document/report_limits.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr std::size_t maximum_report_size = 256u << 10;
constexpr Configuration configurations[] = {Configuration::settled, Configuration::trying,
                                            Configuration::refused, Configuration::fallen_back};

Result<Configuration> parse_configuration(std::string_view text) {
  for (const Configuration configuration : configurations) {
    if (text == name(configuration)) return configuration;
  }
  return fail(ErrorKind::invalid,
              "expected settled, trying, refused or fallen-back, found " + in_ticks(text));
}

constexpr Verdict verdicts[] = {Verdict::converging, Verdict::converged, Verdict::pending_changes,
                                Verdict::failed};

Result<Verdict> parse_verdict(std::string_view text) {
  for (const Verdict verdict : verdicts) {
    if (text == name(verdict)) return verdict;
  }
  return fail(ErrorKind::invalid,
              "expected converging, converged, pending-changes or failed, found " + in_ticks(text));
}

void read_duties(JsonObject& object, DutiesReport& duties) {
  object.number("peersGeneration", duties.peers_generation);
  object.texts("leaving", duties.leaving);
  object.objects("drains", [&](JsonObject& row) {
    NodeDrain& drain = duties.drains.emplace_back();
    row.text("node", drain.node);
    row.flag("done", drain.is_done);
    row.text("message", drain.message);
  });
}

nlohmann::json to_value(const DutiesReport& duties) {
  nlohmann::json drains = nlohmann::json::array();
  for (const NodeDrain& drain : duties.drains) {
    drains.push_back({{"node", drain.node}, {"done", drain.is_done}, {"message", drain.message}});
  }
  return {{"peersGeneration", duties.peers_generation},
          {"leaving", duties.leaving},
          {"drains", drains}};
}

// Fields that agents before 0.3 do not send.
void read_judgements(JsonObject& root, Report& report) {
  root.text("fetchedDigest", report.fetched_digest, Need::optional);
  root.text("pendingDigest", report.pending_digest, Need::optional);
  if (root.has("configuration")) {
    root.word("configuration", report.configuration.emplace(), parse_configuration);
  }
  root.object(
      "refusedDocument",
      [&](JsonObject& object) { read_fields(object, report.refused_document.emplace()); },
      Need::optional);
  root.objects(
      "unwell",
      [&](JsonObject& object) {
        HealthProblem& problem = report.unwell.emplace_back();
        object.text("subject", problem.subject);
        object.text("message", problem.message);
        object.number("since", problem.since);
      },
      Need::optional);
  root.object(
      "failure", [&](JsonObject& object) { read_fields(object, report.failure.emplace()); },
      Need::optional);
}

// Fields that agents before 0.3 do not send.
void read_history(JsonObject& root, Report& report) {
  if (root.has("heardOrder")) root.number("heardOrder", report.heard_order.emplace());
  if (root.has("leaseHolder")) root.text("leaseHolder", report.lease_holder.emplace());
  root.object(
      "contradiction",
      [&](JsonObject& object) {
        Contradiction& found = report.contradiction.emplace();
        object.text("of", found.of);
        object.number("generation", found.generation);
        object.text("taken", found.taken);
        object.text("refused", found.refused);
      },
      Need::optional);
}

void write_history(const Report& report, nlohmann::json& value) {
  if (report.heard_order) value["heardOrder"] = *report.heard_order;
  if (report.lease_holder) value["leaseHolder"] = *report.lease_holder;
  if (const auto& found = report.contradiction) {
    value["contradiction"] = {{"of", found->of},
                              {"generation", found->generation},
                              {"taken", found->taken},
                              {"refused", found->refused}};
  }
}

void write_judgements(const Report& report, nlohmann::json& value) {
  if (!report.fetched_digest.empty()) value["fetchedDigest"] = report.fetched_digest;
  if (!report.pending_digest.empty()) value["pendingDigest"] = report.pending_digest;
  if (report.configuration) value["configuration"] = name(*report.configuration);
  if (report.refused_document) write_fields(*report.refused_document, value["refusedDocument"]);
  for (const HealthProblem& problem : report.unwell) {
    value["unwell"].push_back(
        {{"subject", problem.subject}, {"message", problem.message}, {"since", problem.since}});
  }
  if (report.failure) write_fields(*report.failure, value["failure"]);
}

void read_fields(JsonObject& root, Report& report) {
  root.text("machineId", report.machine_id);
  root.text("bootId", report.boot_id);
  root.number("counter", report.counter);
  root.text("agentVersion", report.agent_version);
  root.number("documentFormat", report.document_format, Need::optional);
  root.text("documentDigest", report.document_digest);
  root.number("generation", report.generation);
  root.word("verdict", report.verdict, parse_verdict);
  root.text("failureClass", report.failure_class);
  root.text("message", report.message);
  root.flag("offline", report.offline);
  root.texts("pending", report.pending);
  root.flag("asksTurn", report.asks_turn, Need::optional);
  root.flag("wasReset", report.was_reset, Need::optional);
  root.flag("stopping", report.is_stopping, Need::optional);
  root.text("bootImage", report.boot_image, Need::optional);
  root.number("peersGeneration", report.peers_generation, Need::optional);
  root.objects("phases", [&](JsonObject& object) {
    Phase& phase = report.phases.emplace_back();
    object.text("name", phase.name);
    object.number("startUs", phase.start_us);
    object.number("endUs", phase.end_us);
    object.text("detail", phase.detail);
  });
  root.text("etcdClusterId", report.etcd_cluster_id);
  root.text("etcdMemberId", report.etcd_member_id);
  root.number("sentAt", report.sent_at);
  read_judgements(root, report);
  read_history(root, report);
  root.object(
      "duties", [&](JsonObject& object) { read_duties(object, report.duties.emplace()); },
      Need::optional);
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::converging:
      return "converging";
    case Verdict::converged:
      return "converged";
    case Verdict::pending_changes:
      return "pending-changes";
    case Verdict::failed:
      return "failed";
  }
  return "failed";
}

std::string_view name(Configuration configuration) {
  switch (configuration) {
    case Configuration::settled:
      return "settled";
    case Configuration::trying:
      return "trying";
    case Configuration::refused:
      return "refused";
    case Configuration::fallen_back:
      return "fallen-back";
  }
  return "trying";
}

std::string to_json(const Report& report) {
  nlohmann::json phases = nlohmann::json::array();
  for (const Phase& phase : report.phases) {
    phases.push_back({{"name", phase.name},
                      {"startUs", phase.start_us},
                      {"endUs", phase.end_us},
                      {"detail", phase.detail}});
  }
  nlohmann::json value = {{"machineId", report.machine_id},
                          {"bootId", report.boot_id},
                          {"counter", report.counter},
                          {"agentVersion", report.agent_version},
                          {"documentDigest", report.document_digest},
                          {"generation", report.generation},
                          {"verdict", name(report.verdict)},
                          {"failureClass", report.failure_class},
                          {"message", report.message},
                          {"offline", report.offline},
                          {"pending", report.pending},
                          {"phases", phases},
                          {"etcdClusterId", report.etcd_cluster_id},
                          {"etcdMemberId", report.etcd_member_id},
                          {"sentAt", report.sent_at}};
  if (report.document_format != 1) value["documentFormat"] = report.document_format;
  if (report.asks_turn) value["asksTurn"] = true;
  if (report.was_reset) value["wasReset"] = true;
  if (report.is_stopping) value["stopping"] = true;
  if (!report.boot_image.empty()) value["bootImage"] = report.boot_image;
  if (report.peers_generation != 0) value["peersGeneration"] = report.peers_generation;
  write_judgements(report, value);
  write_history(report, value);
  if (report.duties) value["duties"] = to_value(*report.duties);
  return canonical_text(value);
}

Result<Report> parse_report(std::string_view text) {
  const auto json = parse_strict_json("report", text, {maximum_report_size, 8});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  Report report;
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  read_fields(root, report);
  root.close();
  keep_to_limits(report, problems);
  if (!problems.empty()) return fail("report", problems);
  return report;
}

std::string to_json(const ReportAnswer& answer) {
  nlohmann::json value = {{"pollAfter", answer.poll_after.count()}, {"converge", answer.converge}};
  if (answer.order != 0) value["order"] = answer.order;
  if (!answer.turn_waits_for.empty()) value["turnWaitsFor"] = answer.turn_waits_for;
  return canonical_text(value);
}

Result<ReportAnswer> parse_report_answer(std::string_view text) {
  const auto json = parse_strict_json("report answer", text, {4096, 4});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  ReportAnswer answer;
  std::uint32_t seconds = 0;
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  root.number("pollAfter", seconds);
  root.flag("converge", answer.converge);
  root.number("order", answer.order, Need::optional);
  root.text("turnWaitsFor", answer.turn_waits_for, Need::optional);
  root.close();
  if (!problems.empty()) return fail("report answer", problems);
  answer.poll_after = std::chrono::seconds(seconds);
  return answer;
}

}  // namespace muster
