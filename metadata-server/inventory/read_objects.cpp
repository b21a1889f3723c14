#include "inventory/read_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "document/field_syntax.hpp"
#include "document/strict_json.hpp"
#include "document/time_text.hpp"
#include "inventory/layers.hpp"
#include "inventory/schema_tree.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

Sourced<std::string> text_of(const Value* value) {
  if (value == nullptr || value->kind != Value::Kind::scalar) return {};
  return {value->scalar, value->place};
}

std::vector<Sourced<std::string>> texts_of(const Value* list) {
  std::vector<Sourced<std::string>> texts;
  if (list == nullptr) return texts;
  for (const Value& item : list->items) texts.push_back(text_of(&item));
  return texts;
}

Sourced<std::string> as_mac(Sourced<std::string> written) {
  written.value = lower_case(written.value);
  std::replace(written.value.begin(), written.value.end(), '-', ':');
  return written;
}

Match read_match(const Value& spec) {
  Match match;
  for (Sourced<std::string>& mac : texts_of(spec.find_path("match.mac")))
    match.macs.push_back(as_mac(std::move(mac)));
  match.uuid = text_of(spec.find_path("match.uuid"));
  match.uuid.value = lower_case(match.uuid.value);
  match.serial = text_of(spec.find_path("match.serial"));
  match.instance_id = text_of(spec.find_path("match.instanceId"));
  return match;
}

// spec.labels and spec.taints are short for the same below overrides.kubelet, and win over it.
Value read_overrides(const Value& spec) {
  Value overrides;
  overrides.kind = Value::Kind::map;
  if (const Value* written = spec.find("overrides")) overrides = *written;
  Value kubelet;
  kubelet.kind = Value::Kind::map;
  for (const char* name : {"labels", "taints"}) {
    if (const Value* field = spec.find(name)) kubelet.fields[name] = *field;
  }
  if (kubelet.fields.empty()) return overrides;
  Value short_form;
  short_form.kind = Value::Kind::map;
  short_form.place = spec.place;
  kubelet.place = spec.place;
  short_form.fields["kubelet"] = std::move(kubelet);
  lay_over(overrides, short_form, 0);
  return overrides;
}

// What says the same has the same; a layer without a field has none.
std::string digest_of(const Value& layer) {
  return layer.fields.empty() ? std::string() : sha256_digest(canonical_text(to_json(layer)));
}

Sourced<Role> read_role(const Value& spec) {
  const Sourced<std::string> text = text_of(spec.find("role"));
  Sourced<Role> role;
  role.place = text.place;
  if (const auto parsed = parse_role(text.value)) role.value = *parsed;
  return role;
}

Sourced<int> number_of(const Value& spec, std::string_view name) {
  Sourced<std::string> text = text_of(spec.find(name));
  if (text.value.empty()) text.value = default_of(fmt::format("NodePool.spec.{}", name));
  Sourced<int> number{0, text.place};
  std::from_chars(text.value.data(), text.value.data() + text.value.size(), number.value);
  return number;
}

InstancePolicy read_instance_policy(const Value& written) {
  InstancePolicy policy;
  policy.place = written.place;
  policy.accounts = texts_of(written.find("accounts"));
  policy.regions = texts_of(written.find("regions"));
  policy.images = texts_of(written.find("images"));
  if (const auto age = parse_duration(text_of(written.find("maximumAge")).value))
    policy.maximum_age = *age;
  policy.behind_nat = text_of(written.find("behindNat")).value == "true";
  return policy;
}

// 0: never.
Sourced<std::chrono::seconds> read_vanished_after(const Value& spec) {
  Sourced<std::string> text = text_of(spec.find("vanishedAfter"));
  if (text.value.empty()) text.value = default_of("NodePool.spec.vanishedAfter");
  return {parse_duration(text.value).value_or(std::chrono::seconds(0)), text.place};
}

const Value& spec_of(const Value& document) {
  static const Value nothing;
  const Value* spec = document.find("spec");
  return spec == nullptr ? nothing : *spec;
}

}  // namespace

Profile read_profile(const Value& document) {
  const Value& settings = spec_of(document);
  return {text_of(document.find_path("metadata.name")), settings, digest_of(settings)};
}

Node read_node(const Value& document) {
  const Value& spec = spec_of(document);
  Node node;
  node.name = text_of(document.find_path("metadata.name"));
  node.cluster = text_of(spec.find("cluster"));
  node.role = read_role(spec);
  node.address = text_of(spec.find("address"));
  if (const Value* pod_cidr = spec.find("podCidr")) node.pod_cidr = text_of(pod_cidr);
  node.profiles = texts_of(spec.find("profiles"));
  node.match = read_match(spec);
  if (const Value* bmc = spec.find("bmc"))
    node.bmc = Bmc{as_mac(text_of(bmc->find("mac"))), text_of(bmc->find("address"))};
  node.overrides = read_overrides(spec);
  node.overrides_digest = digest_of(node.overrides);
  return node;
}

NodePool read_node_pool(const Value& document) {
  const Value& spec = spec_of(document);
  NodePool pool;
  pool.name = text_of(document.find_path("metadata.name"));
  pool.cluster = text_of(spec.find("cluster"));
  pool.role = read_role(spec);
  pool.name_pattern = text_of(spec.find("namePattern"));
  pool.minimum = number_of(spec, "minimum");
  pool.maximum = number_of(spec, "maximum");
  pool.vanished_after = read_vanished_after(spec);
  pool.proofs = texts_of(spec.find("proofs"));
  if (spec.find("proofs") == nullptr) pool.proofs = {{"token", {}}, {"instanceIdentity", {}}};
  if (const Value* policy = spec.find("instanceIdentity"))
    pool.instance_identity = read_instance_policy(*policy);
  pool.address_ranges = texts_of(spec.find("addressRanges"));
  pool.profiles = texts_of(spec.find("profiles"));
  if (const auto on_delete = parse_on_delete(text_of(spec.find("onDelete")).value))
    pool.on_delete = *on_delete;
  const auto written = text_of(spec.find("ttl"));
  if (const auto lifetime = parse_duration(written.value))
    pool.time_to_live = {*lifetime, written.place};
  pool.overrides = read_overrides(spec);
  pool.overrides_digest = digest_of(pool.overrides);
  return pool;
}

void collect_manifest_files(const Value& document, std::vector<std::string>& files) {
  const Value* kind = document.find("kind");
  const Value* addons = document.find_path("spec.addons");
  if (kind == nullptr || kind->scalar != "Cluster" || addons == nullptr) return;
  for (const Value& addon : addons->items) {
    if (const Value* file = addon.find("manifestFile")) files.push_back(file->scalar);
  }
}

}  // namespace muster
