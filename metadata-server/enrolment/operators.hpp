// People and their client certificates: kind "operator", key the name.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/json_object.hpp"
#include "enrolment/enrolment_context.hpp"
#include "result/result.hpp"

namespace muster {

// What an operator is held to that may make clusters and nothing else: a CI job.
struct OperatorLimits {
  std::vector<std::string> templates;        // that it may use; never empty
  std::uint32_t clusters = 0, machines = 0;  // at once
  std::chrono::seconds lifetime{0};          // of a cluster, from its making
};

struct OperatorRecord {
  std::string name;
  std::string key;  // fingerprint of the public key
  std::string serial;
  std::int64_t not_after = 0, created_at = 0;  // Unix seconds
  std::string created_by;
  bool revoked = false;
  std::optional<OperatorLimits> limits;  // nothing: it may do everything
  bool limits_lost = false;              // nobody knows what it was held to; it is revoked
};
// {"templates","clusters","machines","ttlSeconds"}; values are checked where they are set.
void read_limits(JsonObject& object, OperatorLimits& limits);
[[nodiscard]] std::string to_json(const OperatorRecord& record);
[[nodiscard]] Result<OperatorRecord> parse_operator_record(std::string_view json);

[[nodiscard]] Result<OperatorRecord> find_operator(const Store& store, std::string_view name);
[[nodiscard]] Result<std::vector<OperatorRecord>> list_operators(const Store& store);

// Issues a client certificate: CN the name, O "muster:operator". The name's older key stops
// working; limits that it has stay, unless others are given: a renewal must not free anybody. Where
// nobody can read them any more, others must be given, or `is_unrestricted`, which takes all away.
// "root" is the server's own and refused. Returns leaf and authority as PEM. `added_by`,
// `revoked_by`: "operator anna".
[[nodiscard]] Result<std::string> add_operator(const EnrolmentContext& context,
                                               const std::string& name, std::string_view csr_pem,
                                               const std::string& added_by,
                                               const std::optional<OperatorLimits>& limits = {},
                                               bool is_unrestricted = false);
// Holds it to these, or to none any more, from its next request on. invalid: every problem of the
// limits at once; not_found: no such operator.
[[nodiscard]] Result<void> limit_operator(const EnrolmentContext& context, const std::string& name,
                                          const std::optional<OperatorLimits>& limits,
                                          const std::string& by);
// The record stays, so that the name's certificate is answered operator_revoked; of one that cannot
// be read, that its limits are lost. Idempotent.
[[nodiscard]] Result<void> revoke_operator(const EnrolmentContext& context, const std::string& name,
                                           const std::string& revoked_by);

}  // namespace muster
