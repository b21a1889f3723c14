#include "publish/change_memo.hpp"

#include "document/signed_document.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

void describe_one(const std::string& old_text, const NodeDocument& document,
                  MachineChange& change) {
  const auto old = parse_node_document(old_text);
  if (!old) {
    // An earlier program wrote a form that this one does not read; the new one replaces it.
    change.differences = {fmt::format("the whole document: {}", old.error().message)};
    change.cost = ChangeCost::restart;
    return;
  }
  describe(*old, document, change);
}

// What two machines have in common that differ in the same way; empty: this one is of its own kind.
// Where nothing of a worker's own differs (name, addresses, certificates), nothing of its own can
// show in what is told.
std::string kind_of(const std::string& old_text, const NodeDocument& document,
                    const std::string& text) {
  if (is_control_plane(document.role.role)) return {};
  const DocumentText before = split_document(old_text), after = split_document(text);
  if (before.certificates.empty() || before.certificates != after.certificates) return {};
  for (const char* field : {"address", "macs", "node", "podCidr", "pool", "role"}) {
    if (field_of(before.role, field) != field_of(after.role, field)) return {};
  }
  std::string all;
  for (const auto& [role, config] :
       {std::pair(before.role, before.config), std::pair(after.role, after.config)}) {
    all += sha256_digest(field_of(role, "cluster")) + sha256_digest(config);
  }
  return all;
}

}  // namespace

void ChangeMemo::describe(const ServedAnswer& old, const NodeDocument& document,
                          const std::string& text, MachineChange& change) {
  const auto payload = payload_of(old.body);
  if (!payload) return describe_one(old.body, document, change);
  const std::string kind = kind_of(*payload, document, text);
  if (kind.empty()) return describe_one(*payload, document, change);
  const auto [known, is_new] = known_.try_emplace(kind);
  if (is_new) describe_one(*payload, document, known->second);
  change.differences = known->second.differences;
  change.effects = known->second.effects;
  change.cost = known->second.cost;
}

}  // namespace muster
