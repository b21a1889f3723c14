// Why a machine was not let in, or what it is: all that is known under one name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/pending.hpp"
#include "publish/quarantine.hpp"
#include "records/bans.hpp"

namespace muster {

struct ExplainedMachine {
  NodeName name;
  std::string state;             // enrolled, admitted, banned, frozen, removed, not enrolled
  std::string address, key;      // empty: not known here
  std::int64_t enrolled_at = 0;  // Unix seconds
  std::optional<BanRecord> ban;  // of its name, or of the key that was asked for
  std::string way_back;          // of one that is enrolled, and may have been reset since
  // Of one that the inventory left out: until when certificates that it has may be valid. Unix
  // seconds.
  std::int64_t departed_until = 0;
  // What holds up any machine of its cluster now, each with its cure: sealed, in quarantine; a
  // backup, where it is not let in yet.
  std::vector<std::string> held_up;
};

struct EnrolmentExplanation {
  std::string name;
  std::vector<RefusalNote> refusals;    // the newest last
  std::vector<PendingMachine> waiting;  // for an operator
  std::vector<ExplainedMachine> machines;
};

// `name`: a node's name (with its cluster, "lab/n1", or without), a source address, an EC2 instance
// id, the fingerprint of a key, or the host name that the machine gives itself. `clusters`: in
// which members are looked for. `quarantine`: none, and nothing is known of it. Error not_found:
// nothing is known. Cost: clusters, and what is pending.
[[nodiscard]] Result<EnrolmentExplanation> explain_enrolment(
    const EnrolmentContext& context, const std::string& name,
    const std::vector<std::string>& clusters, const Quarantine* quarantine = nullptr);
[[nodiscard]] std::string to_json(const EnrolmentExplanation& explanation);

}  // namespace muster
