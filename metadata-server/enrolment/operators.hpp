// People and their client certificates: kind "operator", key the name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/refusal.hpp"

namespace muster {

struct OperatorRecord {
  std::string name;
  std::string key;  // fingerprint of the public key
  std::string serial;
  std::int64_t not_after = 0, created_at = 0;  // Unix seconds
  std::string created_by;
  bool revoked = false;
};
[[nodiscard]] std::string to_json(const OperatorRecord& record);
[[nodiscard]] Result<OperatorRecord> parse_operator_record(std::string_view json);

[[nodiscard]] Result<OperatorRecord> find_operator(const Store& store, std::string_view name);
[[nodiscard]] Result<std::vector<OperatorRecord>> list_operators(const Store& store);

// Issues a client certificate: CN the name, O "muster:operator". The name's older key stops
// working. "root" is the server's own and refused. Returns leaf and authority as PEM. `added_by`,
// `revoked_by`: "operator anna".
[[nodiscard]] Granted<std::string> add_operator(const EnrolmentContext& context,
                                                const std::string& name, std::string_view csr_pem,
                                                const std::string& added_by);
// The record stays, so that the name's certificate is answered operator_revoked. Idempotent.
[[nodiscard]] Granted<> revoke_operator(const EnrolmentContext& context, const std::string& name,
                                        const std::string& revoked_by);

}  // namespace muster
