// What a machine proves to a pool besides holding its token: which EC2 instance it is, where the
// pool asks for that.
#pragma once

#include <optional>
#include <string>

#include "enrolment/instance_use.hpp"
#include "enrolment/pool_admission.hpp"
#include "result/result.hpp"

namespace muster {

struct ProvenMachine {
  std::string address;  // at which it becomes a member: its own, by the connection or the document
  std::optional<AwsInstance> instance;  // of a pool that asks for it
  FoundInstanceUse use;                 // of that instance, as it was found
};

// Refusals: proof_missing, identity_document_unpinned, _invalid, _forged, _address, _used, those of
// check_instance. A use by another key leaves one audit row a minute. Where this very key is that
// member already, age and policy are not asked again.
[[nodiscard]] Result<ProvenMachine> prove_machine(const PoolQuestion& question,
                                                  const NodePool& pool);
// The instance is this member from now on: for the transaction that makes it one.
void use_instance(const ProvenMachine& machine, const MemberRecord& member, std::int64_t now,
                  Transaction& transaction);

}  // namespace muster
