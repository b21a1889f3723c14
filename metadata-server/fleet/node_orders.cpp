#include "fleet/node_orders.hpp"

#include <algorithm>
#include <array>

#include "enrolment/ban.hpp"
#include "fleet/disk_wipes.hpp"
#include "fleet/master_turns.hpp"
#include "fleet/network_starts.hpp"
#include "fleet/served_document.hpp"

namespace muster {

namespace {

constexpr std::array<std::string_view, 10> names = {"converge",    "replace",  "drain", "undrain",
                                                    "remove",      "unfreeze", "ban",   "unban",
                                                    "reprovision", "wipe-disk"};

Result<void> start_drain(const Fleet& fleet, const NodeOrder& order) {
  if (const auto served = served_answer(fleet, order.node); !served) return pass(served.error());
  const DrainOrder wanted{order.node.cluster, order.node.node, false, order.limit, order.by};
  return order_drain(fleet.store, wanted, latest_now(fleet.enrolment));
}

// It asks for nothing, so that it would never hear of it.
Result<void> check_not_banned(const Fleet& fleet, const NodeName& node) {
  const auto machine = find_machine(fleet.store, node);
  if (!machine) return pass(machine.error());
  if (!machine->ban) return {};
  return fail(
      ErrorKind::conflict, "banned",
      fmt::format("machine '{}/{}': banned, so that it hears of no order; `muster unban {}` first",
                  node.cluster, node.node, node.node));
}

Result<bool> changed(const Result<void>& done) {
  if (!done) return pass(done.error());
  return true;
}

Result<bool> change_record(const Fleet& fleet, const NodeOrder& order) {
  switch (order.kind) {
    case NodeOrderKind::replace:
      return changed(order.cancel ? cancel_replacement(fleet.enrolment, order.node, order.by)
                                  : order_replacement(fleet.enrolment, order.node, order.by));
    case NodeOrderKind::reprovision:
      return changed(order.cancel ? cancel_reprovision(fleet, order.node, order.by)
                                  : order_reprovision(fleet, order.node, order.by));
    case NodeOrderKind::wipe_disk:
      return changed(order.cancel ? cancel_disk_wipe(fleet, order.node, order.by)
                                  : order_disk_wipe(fleet, order.node, order.serial, order.by));
    case NodeOrderKind::unfreeze:
      return unfreeze(fleet.enrolment, order.node, order.keep, order.by);
    case NodeOrderKind::ban:
      return ban(fleet.enrolment, order.node, order.reason, order.by);
    case NodeOrderKind::unban:
      return unban(fleet.enrolment, order.node, order.by);
    case NodeOrderKind::drain:
      return changed(start_drain(fleet, order));
    case NodeOrderKind::undrain:
      return changed(end_drain(fleet.store, order.node.cluster, order.node.node,
                               fleet.enrolment.now(), order.by));
    case NodeOrderKind::converge:
    case NodeOrderKind::remove:
      break;
  }
  return fail(ErrorKind::internal, fmt::format("order {}: not of a record", name(order.kind)));
}

void publish_with(const Fleet& fleet, const NodeOrder& order, NodeOrderOutcome& outcome) {
  const NodeName& node = order.node;
  if (const auto published = fleet.publisher.settle(node.cluster); !published) {
    outcome.unpublished = published.error();
    outcome.unpublished->message = fmt::format(
        "{}/{}: this server holds to the {}; its masters' API servers do not know of it yet: {}",
        node.cluster, node.node, order.kind == NodeOrderKind::remove ? "removal" : name(order.kind),
        published.error().message);
    return;
  }
  const auto served = fleet.current.cluster(node.cluster);
  outcome.revision = served ? served->revision : std::string();
}

Result<NodeOrderOutcome> converge(const Fleet& fleet, const NodeOrder& order) {
  NodeOrderOutcome outcome;
  if (order.cancel) {
    auto cancelled = cancel_converge_of(fleet, order.node, order.by);
    if (!cancelled) return pass(cancelled.error());
    return outcome;
  }
  if (auto free = check_not_banned(fleet, order.node); !free) return pass(free.error());
  auto waits_for = order_converge_of(fleet, order.node, order.by);
  if (!waits_for) return pass(waits_for.error());
  outcome.waits_for = std::move(*waits_for);
  return outcome;
}

Result<NodeOrderOutcome> remove(const Fleet& fleet, const NodeOrder& order) {
  const bool is_served = fleet.current.document(order.node.cluster, order.node.node) != nullptr;
  auto step = order_removal(fleet, order.node, {order.drain, order.limit, order.by});
  if (!step) return pass(step.error());
  NodeOrderOutcome outcome;
  outcome.removal = std::move(*step);
  if (is_served) publish_with(fleet, order, outcome);
  return outcome;
}

}  // namespace

std::string_view name(NodeOrderKind kind) {
  return names.at(static_cast<std::size_t>(kind));
}

bool can_be_taken_back(NodeOrderKind kind) {
  return kind == NodeOrderKind::converge || kind == NodeOrderKind::replace ||
         kind == NodeOrderKind::reprovision || kind == NodeOrderKind::wipe_disk;
}

Result<NodeOrderKind> parse_node_order_kind(std::string_view text) {
  const auto* const found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<NodeOrderKind>(found - names.begin());
  return fail(
      ErrorKind::not_found, "not_found",
      fmt::format(
          "order {}: expected converge, replace, drain, undrain, remove, unfreeze, ban, unban, reprovision or wipe-disk",
          in_ticks(text)));
}

Result<NodeOrderOutcome> give_order(const Fleet& fleet, const NodeOrder& order) {
  if (order.kind == NodeOrderKind::converge) return converge(fleet, order);
  if (order.kind == NodeOrderKind::remove) return remove(fleet, order);
  const auto is_changed = change_record(fleet, order);
  if (!is_changed) return pass(is_changed.error());
  NodeOrderOutcome outcome;
  outcome.is_changed = *is_changed;
  // Whom a name or a key belongs to is this server's affair alone.
  if (order.kind == NodeOrderKind::replace || order.kind == NodeOrderKind::unfreeze ||
      order.kind == NodeOrderKind::reprovision || order.kind == NodeOrderKind::wipe_disk)
    return outcome;
  publish_with(fleet, order, outcome);
  return outcome;
}

}  // namespace muster
