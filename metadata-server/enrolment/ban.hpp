// An operator's word over one machine's identity. Each is one transaction with its audit row, and
// idempotent: what is so already is not written again. `by`: as the audit names an actor, "operator
// anna". not_found: neither the inventory nor the records know the node. A bool says whether
// anything changed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "document/report.hpp"
#include "enrolment/caller.hpp"
#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"
#include "result/result.hpp"

namespace muster {

// Of its name and of its keys (records/bans), until `unban`, whatever becomes of its record. It
// reaches the API server through the masters' documents: the cluster is due with it (records/due).
// Whoever left the cluster can be banned too.
[[nodiscard]] Result<bool> ban(const EnrolmentContext& context, const NodeName& node,
                               const std::string& reason, const std::string& by);
// What the site signed says so: nobody else has to know the name, and `keys`, which the site's own
// certificates give it, are barred besides those that are known here.
[[nodiscard]] Result<bool> ban_by_signature(const EnrolmentContext& context, const NodeName& node,
                                            const std::vector<std::string>& keys,
                                            const std::string& reason, const std::string& by);
// Also where its record, or its whole cluster, is gone.
[[nodiscard]] Result<bool> unban(const EnrolmentContext& context, const NodeName& node,
                                 const std::string& by);

// `by`: "server" where two machines were seen with one key.
[[nodiscard]] Result<void> freeze(const EnrolmentContext& context, const NodeName& node,
                                  const std::string& reason, const std::string& by);
// `keep`: the fingerprint of the key that shall hold the name: the present one (its other copy was
// destroyed), or that of a pending machine, which is approved with this. Error fingerprint_other.
[[nodiscard]] Result<bool> unfreeze(const EnrolmentContext& context, const NodeName& node,
                                    const std::string& keep, const std::string& by);

// Once: the next key with a valid proof (a token, or an approval) takes the name over.
[[nodiscard]] Result<void> order_replacement(const EnrolmentContext& context, const NodeName& node,
                                             const std::string& by);
// not_found: none is ordered, or it came already.
[[nodiscard]] Result<void> cancel_replacement(const EnrolmentContext& context, const NodeName& node,
                                              const std::string& by);
// `muster node converge NAME`: the answer to the machine's next report says so.
[[nodiscard]] Result<void> order_converge(const EnrolmentContext& context, const NodeName& node,
                                          const std::string& by);
// not_found: none is ordered, or the machine said that it heard of it.
[[nodiscard]] Result<void> cancel_converge(const EnrolmentContext& context, const NodeName& node,
                                           const std::string& by);
// The order of a machine that is a master by now is a turn of it.
[[nodiscard]] Result<void> end_converge_as_turn(const EnrolmentContext& context,
                                                const NodeName& node);
// Notes a report of the caller's: clone detection, and whether converge was ordered: until a report
// says that the machine heard of it, and once where its agent does not say.
// `also` adds to the same transaction (the report itself): one write to disk per report. not_found:
// the machine was removed since it was identified; superseded: its key has the name no more.
struct ReportNote {
  bool converge = false;
  std::int64_t order = 0;  // which
  bool froze = false;      // this report showed two machines with one key
};
[[nodiscard]] Result<ReportNote> note_report(const EnrolmentContext& context, const Caller& machine,
                                             const Report& report,
                                             const std::function<void(Transaction&)>& also = {});

}  // namespace muster
