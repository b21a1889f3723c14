// Join tokens: the right to enrol, bound to a cluster, one node or a pool, a role, a count and a
// time. Only the hash of the secret is kept. Kind "token" in the store, until a day after its end.
// Thread-safe: state is in the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "enrolment/enrolment_context.hpp"
#include "inventory/match.hpp"
#include "result/result.hpp"
#include "store/store.hpp"

namespace muster {

// Of a claim (claim.hpp): the hardware that it is for.
struct ClaimMarks {
  std::vector<std::string> macs;
  std::string uuid;
};

struct JoinToken {
  std::string id;           // 16 hex digits, public: it names the token in lists and in the audit
  std::string secret_hash;  // "sha256:..." of the secret part
  std::string cluster;
  std::string node;  // empty: any node of the cluster
  std::string pool;  // set: it makes members of this pool, and nothing else
  Role role = Role::node;
  std::uint32_t count = 1;                      // machines it was made for
  std::uint32_t remaining = 1;                  // machines it still admits
  std::int64_t created_at = 0, expires_at = 0;  // Unix seconds
  std::string created_by;                       // "operator anna"
  std::optional<ClaimMarks> claim;
};
[[nodiscard]] std::string to_json(const JoinToken& token);
[[nodiscard]] Result<JoinToken> parse_join_token(std::string_view json);

struct NewJoinToken {
  std::string cluster, node;
  std::string pool;  // without a node; the role is then the pool's
  Role role = Role::node;
  std::uint32_t count = 1;              // 1 to 10000
  std::chrono::seconds lifetime{3600};  // 1 minute to 30 days
  std::optional<ClaimMarks> claim = {};
};
struct CreatedJoinToken {
  std::string id;
  std::string text;  // "muster1.<id>.<32 random bytes, base64url>": shown once, kept nowhere
};
// invalid: every problem of the order at once. not_found: the inventory has no such node
// or pool. conflict: that of check_clock.
[[nodiscard]] Result<CreatedJoinToken> create_join_token(const EnrolmentContext& context,
                                                         NewJoinToken order,
                                                         const std::string& created_by);
// For the transaction that makes what it names, which nothing knows before: `order.role` is the
// pool's.
[[nodiscard]] Result<CreatedJoinToken> add_join_token(const EnrolmentContext& context,
                                                      const NewJoinToken& order,
                                                      const std::string& created_by,
                                                      Transaction& transaction);
[[nodiscard]] Result<std::vector<JoinToken>> list_join_tokens(const Store& store);
// What the token admitted stays. not_found: no such id.
[[nodiscard]] Result<void> revoke_join_token(const EnrolmentContext& context, std::string_view id,
                                             const std::string& revoked_by);

// Adds the removal of every token of a cluster that ends; who comes with one of them later is told
// so. The commit fails with conflict where one of them admits somebody meanwhile. Cost: that
// cluster's tokens.
[[nodiscard]] Result<void> end_join_tokens_of(const EnrolmentContext& context,
                                              const std::string& cluster, Transaction& transaction);

// Adds the end of what is left of these tokens; of one pool's where it is named. Returns how many
// machines they would still have admitted; the commit fails with conflict where one admits
// somebody meanwhile.
[[nodiscard]] Result<std::uint32_t> revoke_unused(const EnrolmentContext& context,
                                                  const std::vector<std::string>& ids,
                                                  const std::string& pool, const std::string& by,
                                                  Transaction& transaction);

// The token behind `text`, used up or not. Refusals token_unknown: a wrong secret is answered like
// an unknown id; cluster_ended.
struct FoundJoinToken {
  JoinToken token;
  std::uint64_t version = 0;  // of its record
};
[[nodiscard]] Result<FoundJoinToken> find_join_token(const Store& store, std::string_view text);
// It may still admit somebody. `now`: the latest that it can be. Refusals token_expired,
// token_exhausted.
[[nodiscard]] Result<void> check_usable(const JoinToken& token, TimePoint now);
// Refusals token_other_cluster, token_other_node, token_role. A token of a control-plane role
// admits both control-plane roles (both hold the same secrets) and no worker.
[[nodiscard]] Result<void> check_covers(const JoinToken& token, const NodeName& node, Role role);
// Takes one use within `transaction`, guarded by the version that was found.
void consume(const FoundJoinToken& found, Transaction& transaction);

}  // namespace muster
