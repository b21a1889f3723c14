#include "enrolment/join_token.hpp"

#include "enrolment/claim.hpp"
#include "pki/signature.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/record_fields.hpp"
#include "records/revision.hpp"
#include "records/schedule.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr std::string_view prefix = "muster1.";
// Whoever comes late is told so for a day; then the token is unknown, and its records go.
constexpr std::int64_t kept_when_expired = 24LL * 3600;  // seconds

constexpr auto claim_fields = [](auto& fields, auto& claim) {
  fields.texts("macs", claim.macs);
  fields.text("uuid", claim.uuid);
};

constexpr auto token_fields = [](auto& fields, auto& token) {
  fields.text("id", token.id);
  fields.text("secretHash", token.secret_hash);
  fields.text("cluster", token.cluster);
  fields.text("node", token.node);
  fields.text("pool", token.pool, Presence::newer);
  fields.word("role", token.role, parse_role);
  fields.number("count", token.count);
  fields.number("remaining", token.remaining);
  fields.number("createdAt", token.created_at);
  fields.number("expiresAt", token.expires_at);
  fields.text("createdBy", token.created_by);
  fields.object("claim", token.claim, claim_fields);
};

// RFC 4648 section 5, without padding: the token travels in URLs and on command lines.
std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

tl::unexpected<Error> unknown_token() {
  return fail(ErrorKind::unauthenticated, "token_unknown",
              "join token: not known here; create one with `muster token create`");
}

tl::unexpected<Error> ended_cluster(const JoinToken& token) {
  return fail(
      ErrorKind::forbidden, "cluster_ended",
      fmt::format(
          "join token '{}': its cluster '{}' has ended; start the machine with the user-data of another one (`muster cluster create`)",
          token.id, token.cluster));
}

std::string kind_of_machines(Role role) {
  return is_control_plane(role) ? "control-plane machines" : "nodes";
}
}  // namespace

std::string to_json(const JoinToken& token) {
  return record_text(token, token_fields);
}

Result<JoinToken> parse_join_token(std::string_view json) {
  return parse_record<JoinToken>("join token record", json, token_fields);
}

namespace {
std::vector<Problem> problems_of(const NewJoinToken& order) {
  std::vector<Problem> problems;
  if (order.cluster.empty()) problems.push_back({"/cluster", "expected a cluster, found nothing"});
  if (!order.node.empty() && !order.pool.empty()) {
    problems.push_back({"/pool", "expected a node or a pool, found both"});
  }
  if (order.count < 1 || order.count > 10000) {
    problems.push_back({"/count", fmt::format("expected 1 to 10000, found {}", order.count)});
  }
  constexpr std::chrono::seconds longest = std::chrono::hours(24 * 30);
  if (order.lifetime < std::chrono::minutes(1) || order.lifetime > longest) {
    problems.push_back({"/ttlSeconds", fmt::format("expected 60 to {}, found {}", longest.count(),
                                                   order.lifetime.count())});
  }
  return problems;
}

Result<void> check_named(const EnrolmentInventory& inventory, const NewJoinToken& order) {
  const bool is_named =
      inventory.has_cluster(order.cluster) &&
      (order.node.empty() || inventory.role_of({order.cluster, order.node})) &&
      (order.pool.empty() || inventory.pool(order.cluster, order.pool) != nullptr);
  if (is_named) return {};
  if (auto read = inventory.check_read(order.cluster); !read) return read;
  if (!inventory.has_cluster(order.cluster)) {
    return fail(
        ErrorKind::not_found, "not_found",
        fmt::format(
            "cluster '{}': nothing is published for it; run `muster apply` first, or look at `muster status` for the names there are",
            order.cluster));
  }
  if (!order.node.empty() && !inventory.role_of({order.cluster, order.node})) {
    return fail(ErrorKind::not_found,
                fmt::format("node '{}/{}': not in the inventory; apply an inventory that names it",
                            order.cluster, order.node));
  }
  if (!order.pool.empty() && inventory.pool(order.cluster, order.pool) == nullptr) {
    return fail(ErrorKind::not_found,
                fmt::format("pool '{}/{}': not in the inventory; apply an inventory that names it",
                            order.cluster, order.pool));
  }
  return {};
}

std::string text_of(const JoinToken& token) {
  const std::string who = token.pool.empty() ? "node " + (token.node.empty() ? "any" : token.node)
                                             : "pool " + token.pool;
  return fmt::format("cluster {}, {}, role {}, count {}, expires {}", token.cluster, who,
                     name(token.role), token.count, token.expires_at);
}
}  // namespace

Result<CreatedJoinToken> add_join_token(const EnrolmentContext& context, const NewJoinToken& order,
                                        const std::string& created_by, Transaction& transaction) {
  if (const auto problems = problems_of(order); !problems.empty()) {
    return fail(ErrorKind::invalid, fmt::format("join token:\n{}", to_text(problems)));
  }
  const std::string secret = base64url(random_bytes(32));
  JoinToken token;
  token.id = hex_encode(random_bytes(8));
  token.secret_hash = sha256_digest(secret);
  token.cluster = order.cluster;
  token.node = order.node;
  token.pool = order.pool;
  token.role = order.role;
  token.count = token.remaining = order.count;
  token.created_at = unix_seconds(expected_now(context));
  token.expires_at = unix_seconds(latest_now(context)) + order.lifetime.count();
  token.created_by = created_by;
  token.claim = order.claim;
  const std::string cluster_key = kinds::pair_key(token.cluster, token.id);
  transaction.expect(kinds::token, token.id, 0)
      .put(kinds::token, token.id, to_json(token))
      .put(kinds::cluster_token, cluster_key, "");
  put_lapse(token.expires_at + kept_when_expired,
            {{kinds::token, token.id}, {kinds::cluster_token, cluster_key}}, transaction);
  append_audit(transaction, context.now(), created_by, "token-created", token.id, text_of(token));
  return CreatedJoinToken{token.id, fmt::format("{}{}.{}", prefix, token.id, secret)};
}

Result<CreatedJoinToken> create_join_token(const EnrolmentContext& context, NewJoinToken order,
                                           const std::string& created_by) {
  if (const auto problems = problems_of(order); !problems.empty()) {
    return fail(ErrorKind::invalid, "invalid", fmt::format("join token:\n{}", to_text(problems)));
  }
  if (auto known = check_clock(context, "join token"); !known) return pass(known.error());
  const auto inventory = context.inventory();
  if (auto named = check_named(*inventory, order); !named) return pass(named.error());
  // The inventory decides roles, where it knows the machine.
  if (!order.pool.empty()) order.role = inventory->pool(order.cluster, order.pool)->role.value;
  if (!order.node.empty()) order.role = *inventory->role_of({order.cluster, order.node});
  CreatedJoinToken created;
  const auto done =
      update(context.store, kinds::cluster, order.cluster,
             [&](const std::optional<std::string>&, Transaction& transaction) -> Result<void> {
               if (auto there = expect_cluster(context.store, order.cluster, transaction); !there)
                 return there;
               auto added = add_join_token(context, order, created_by, transaction);
               if (!added) return pass(added.error());
               created = std::move(*added);
               return {};
             });
  if (!done) return pass(done.error());
  return created;
}

Result<std::vector<JoinToken>> list_join_tokens(const Store& store) {
  const auto records = store.list(kinds::token);
  if (!records) return pass(records.error());
  std::vector<JoinToken> tokens;
  for (const auto& record : *records) {
    if (auto token = parse_join_token(record.value)) tokens.push_back(std::move(*token));
  }
  return tokens;
}

Result<void> revoke_join_token(const EnrolmentContext& context, std::string_view id,
                               const std::string& revoked_by) {
  const auto done = update(
      context.store, kinds::token, id,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        if (!value) {
          return fail(
              ErrorKind::not_found,
              fmt::format(
                  "join token '{}': there is none; `muster token list` shows those there are", id));
        }
        transaction.remove(kinds::token, id);
        if (const auto token = parse_join_token(*value))
          transaction.remove(kinds::cluster_token, kinds::pair_key(token->cluster, id));
        append_audit(transaction, context.now(), revoked_by, "token-revoked", std::string(id), "");
        return {};
      });
  if (!done) return pass(done.error());
  return {};
}

Result<void> end_join_tokens_of(const EnrolmentContext& context, const std::string& cluster,
                                Transaction& transaction) {
  const auto names = all_records(context.store, kinds::cluster_token, kinds::prefix_of(cluster));
  if (!names) return pass(names.error());
  std::vector<std::pair<std::string_view, std::string>> lapsing;
  std::int64_t last = 0;
  for (const auto& name : *names) {
    transaction.remove(kinds::cluster_token, name.key);
    const std::string id = name.key.substr(cluster.size() + 1);
    const auto record = context.store.get(kinds::token, id);
    if (!record && record.error().kind == ErrorKind::not_found) continue;
    if (!record) return pass(record.error());
    transaction.expect(kinds::token, id, record->version).remove(kinds::token, id);
    const auto token = parse_join_token(record->value);  // unreadable, it never admitted anybody
    if (!token || token->expires_at <= unix_seconds(earliest_now(context))) continue;
    transaction.put(kinds::ended_token, id, record->value);
    lapsing.emplace_back(kinds::ended_token, id);
    last = std::max(last, token->expires_at);
  }
  put_lapse(last, lapsing, transaction);
  return {};
}

Result<std::uint32_t> revoke_unused(const EnrolmentContext& context,
                                    const std::vector<std::string>& ids, const std::string& pool,
                                    const std::string& by, Transaction& transaction) {
  std::uint32_t unused = 0;
  for (const auto& id : ids) {
    const auto record = context.store.get(kinds::token, id);
    if (!record && record.error().kind == ErrorKind::not_found) continue;
    if (!record) return pass(record.error());
    const auto token = parse_join_token(record->value);
    if (!token) {
      transaction.expect(kinds::token, id, record->version).remove(kinds::token, id);
      continue;
    }
    if (token->remaining == 0 || (!pool.empty() && token->pool != pool)) continue;
    unused += token->remaining;
    transaction.expect(kinds::token, id, record->version).remove(kinds::token, id);
    append_audit(transaction, context.now(), by, "token-revoked", id,
                 fmt::format("{} of {} unused", token->remaining, token->count));
  }
  return unused;
}

Result<FoundJoinToken> find_join_token(const Store& store, std::string_view text) {
  if (!text.starts_with(prefix)) return unknown_token();
  const std::string_view rest = text.substr(prefix.size());
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos || text.size() > 128) return unknown_token();
  const std::string_view id = rest.substr(0, dot);
  auto record = store.get(kinds::token, id);
  const bool has_ended = !record && record.error().kind == ErrorKind::not_found;
  if (has_ended) record = store.get(kinds::ended_token, id);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  JoinToken token;
  if (record) {
    auto parsed = parse_join_token(record->value);
    if (!parsed) return pass(parsed.error());
    token = std::move(*parsed);
  }
  // Compared even where there is no record, so that both cases take the same time.
  const std::string hash = sha256_digest(rest.substr(dot + 1));
  if (token.secret_hash.empty()) token.secret_hash = std::string(hash.size(), '-');
  if (!equal_secrets(token.secret_hash, hash) || !record) return unknown_token();
  if (has_ended) return ended_cluster(token);
  return FoundJoinToken{std::move(token), record->version};
}

Result<void> check_usable(const JoinToken& token, TimePoint now) {
  if (token.expires_at <= unix_seconds(now) || (token.claim && is_of_clock_ahead(token, now))) {
    return fail(ErrorKind::forbidden, "token_expired",
                fmt::format("join token '{}': expired; create another with `muster token create`",
                            token.id));
  }
  if (token.remaining == 0) {
    return fail(
        ErrorKind::forbidden, "token_exhausted",
        fmt::format(
            "join token '{}': used up, it was made for {}; create another with `muster token create --count N`",
            token.id, token.count));
  }
  return {};
}

Result<void> check_covers(const JoinToken& token, const NodeName& node, Role role) {
  if (token.cluster != node.cluster) {
    return fail(
        ErrorKind::forbidden, "token_other_cluster",
        fmt::format(
            "join token '{}': expected one of this machine's cluster; create one with `muster token create`",
            token.id));
  }
  if (!token.node.empty() && token.node != node.node) {
    return fail(
        ErrorKind::forbidden, "token_other_node",
        fmt::format("join token '{}': made for another node; create one with `muster token create`",
                    token.id));
  }
  if (is_control_plane(token.role) != is_control_plane(role)) {
    return fail(
        ErrorKind::forbidden, "token_role",
        fmt::format(
            "join token '{}': admits {}, the inventory has this machine as {}; create one with `muster token create --role {}`",
            token.id, kind_of_machines(token.role), name(role), name(role)));
  }
  return {};
}

void consume(const FoundJoinToken& found, Transaction& transaction) {
  JoinToken used = found.token;
  --used.remaining;
  transaction.expect(kinds::token, used.id, found.version)
      .put(kinds::token, used.id, to_json(used));
}

}  // namespace muster
