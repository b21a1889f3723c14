#include "enrolment/operators.hpp"

#include <fmt/ranges.h>

#include "document/field_syntax.hpp"
#include "enrolment/identity.hpp"
#include "records/audit.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
Result<Certificate> issue(const EnrolmentContext& context, const std::string& name,
                          std::string_view csr_pem) {
  const auto request = CertificateRequest::from_pem(csr_pem);
  if (!request) {
    return fail(ErrorKind::invalid, "csr_invalid", fmt::format("csr: {}", request.error().message));
  }
  Subject subject;
  subject.common_name = name;
  subject.organizations = {std::string(operator_organization)};
  subject.client = true;
  auto certificate = context.machines.issuing.issue(
      request->public_key(), subject, context.limits.operator_lifetime, context.now());
  if (!certificate) return pass(certificate.error());
  return std::move(*certificate);
}

constexpr auto limits_fields = [](auto& fields, auto& limits) {
  fields.texts("templates", limits.templates);
  fields.number("clusters", limits.clusters);
  fields.number("machines", limits.machines);
  fields.seconds("ttlSeconds", limits.lifetime);
};

constexpr auto operator_fields = [](auto& fields, auto& record) {
  fields.text("name", record.name);
  fields.text("key", record.key);
  fields.text("serial", record.serial);
  fields.number("notAfter", record.not_after);
  fields.number("createdAt", record.created_at);
  fields.text("createdBy", record.created_by);
  fields.flag("revoked", record.revoked);
  fields.object("limits", record.limits, limits_fields);
  fields.flag("limitsLost", record.limits_lost, Presence::if_set);
};

std::vector<Problem> problems_of(const OperatorLimits& limits) {
  std::vector<Problem> problems;
  if (limits.templates.empty()) {
    problems.push_back({"/limits/templates", "expected at least one template, found none"});
  }
  const auto count = [&](const char* where, std::int64_t value, std::int64_t low,
                         std::int64_t high) {
    if (value >= low && value <= high) return;
    problems.push_back({where, fmt::format("expected {} to {}, found {}", low, high, value)});
  };
  count("/limits/clusters", limits.clusters, 1, 10000);
  count("/limits/machines", limits.machines, 1, 100000);
  constexpr std::chrono::seconds longest_lifetime = std::chrono::hours(24 * 30);
  count("/limits/ttlSeconds", limits.lifetime.count(), 600, longest_lifetime.count());
  return problems;
}

// Of a name that has a record: a renewal keeps what it is held to.
Result<std::optional<OperatorLimits>> limits_before(const std::string& name,
                                                    const std::string& value) {
  auto before = parse_operator_record(value);
  if (before && !before->limits_lost) return std::move(before->limits);
  return fail(
      ErrorKind::conflict, "limits_lost",
      fmt::format(
          "operator '{}': its record cannot be read, or could not be when it was revoked, so that nobody knows what it was held to: repeat with its limits (--templates, --clusters, --machines, --ttl), or with --unrestricted",
          name));
}

std::string text_of(const std::optional<OperatorLimits>& limits) {
  if (!limits) return "no limits";
  return fmt::format("templates {}; {} clusters, {} machines, {} s each",
                     fmt::join(limits->templates, ", "), limits->clusters, limits->machines,
                     limits->lifetime.count());
}

Result<void> check(const std::optional<OperatorLimits>& limits) {
  if (!limits) return {};
  const auto problems = problems_of(*limits);
  if (problems.empty()) return {};
  return fail(ErrorKind::invalid, fmt::format("operator:\n{}", to_text(problems)));
}
}  // namespace

void read_limits(JsonObject& object, OperatorLimits& limits) {
  RecordReader fields(object);
  limits_fields(fields, limits);
}

std::string to_json(const OperatorRecord& record) {
  return record_text(record, operator_fields);
}

Result<OperatorRecord> parse_operator_record(std::string_view json) {
  return parse_record<OperatorRecord>("operator record", json, operator_fields);
}

Result<OperatorRecord> find_operator(const Store& store, std::string_view name) {
  const auto record = store.get(kinds::operator_record, name);
  if (!record) return pass(record.error());
  return parse_operator_record(record->value);
}

Result<std::vector<OperatorRecord>> list_operators(const Store& store) {
  const auto records = store.list(kinds::operator_record);
  if (!records) return pass(records.error());
  std::vector<OperatorRecord> operators;
  for (const auto& record : *records) {
    if (auto parsed = parse_operator_record(record.value)) operators.push_back(std::move(*parsed));
  }
  return operators;
}

Result<std::string> add_operator(const EnrolmentContext& context, const std::string& name,
                                 std::string_view csr_pem, const std::string& added_by,
                                 const std::optional<OperatorLimits>& limits,
                                 bool is_unrestricted) {
  if (!is_dns_label(name) || name == "root") {
    return fail(
        ErrorKind::invalid, "invalid",
        fmt::format(
            "operator name: expected lower-case letters, digits and '-', at most 63, not 'root'; found {}",
            in_ticks(name)));
  }
  if (limits && is_unrestricted)
    return fail(ErrorKind::invalid, "invalid",
                "operator: expected limits or `unrestricted`, found both");
  if (auto sound = check(limits); !sound) return pass(sound.error());
  if (auto known = check_clock(context, fmt::format("operator '{}'", name)); !known)
    return pass(known.error());
  const auto certificate = issue(context, name, csr_pem);
  if (!certificate) return pass(certificate.error());
  const auto done = update(
      context.store, kinds::operator_record, name,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        OperatorRecord record;
        record.limits = limits;
        if (value && !limits && !is_unrestricted) {
          auto before = limits_before(name, *value);
          if (!before) return pass(before.error());
          record.limits = std::move(*before);
        }
        record.name = name;
        record.key = certificate->public_key().fingerprint();
        record.serial = certificate->serial();
        record.not_after = unix_seconds(certificate->not_after());
        record.created_at = unix_seconds(context.now());
        record.created_by = added_by;
        transaction.put(kinds::operator_record, name, to_json(record)).remove(kinds::usage, name);
        append_audit(transaction, context.now(), added_by, "operator-added", name,
                     fmt::format("key {}, serial {}, {}", record.key, record.serial,
                                 text_of(record.limits)));
        return {};
      });
  if (!done) return pass(done.error());
  return certificate->pem();
}

namespace {
tl::unexpected<Error> no_operator(const std::string& name) {
  return fail(
      ErrorKind::not_found,
      fmt::format("operator {}: there is none; `muster operator list` shows those there are",
                  in_ticks(name)));
}
}  // namespace

Result<void> limit_operator(const EnrolmentContext& context, const std::string& name,
                            const std::optional<OperatorLimits>& limits, const std::string& by) {
  if (auto sound = check(limits); !sound) return pass(sound.error());
  const auto done = update(
      context.store, kinds::operator_record, name,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        if (!value) return no_operator(name);
        auto record = parse_operator_record(*value);
        if (!record) return pass(record.error());
        record->limits = limits;
        record->limits_lost = false;
        // What it made while it was not limited counts: the index is made anew.
        transaction.put(kinds::operator_record, name, to_json(*record)).remove(kinds::usage, name);
        append_audit(transaction, context.now(), by, "operator-limited", name, text_of(limits));
        return {};
      });
  if (!done) return pass(done.error());
  return {};
}

Result<void> revoke_operator(const EnrolmentContext& context, const std::string& name,
                             const std::string& revoked_by) {
  const auto done = update(
      context.store, kinds::operator_record, name,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        if (!value) return no_operator(name);
        auto record = parse_operator_record(*value);
        if (!record) {
          OperatorRecord lost;  // without a key, none is let in by it
          lost.name = name;
          lost.revoked = lost.limits_lost = true;
          transaction.put(kinds::operator_record, name, to_json(lost));
          append_audit(transaction, context.now(), revoked_by, "operator-revoked", name,
                       "its record could not be read");
          return {};
        }
        if (record->revoked) return {};
        record->revoked = true;
        transaction.put(kinds::operator_record, name, to_json(*record));
        append_audit(transaction, context.now(), revoked_by, "operator-revoked", name,
                     fmt::format("key {}", record->key));
        return {};
      });
  if (!done) return pass(done.error());
  return {};
}

}  // namespace muster
