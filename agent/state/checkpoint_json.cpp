#include "agent/state/checkpoint_json.hpp"

#include <nlohmann/json.hpp>

#include <sstream>

#include "agent/paths.hpp"
#include "agent/state/newer_fields.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

nlohmann::json units_json(const Checkpoint& checkpoint) {
  auto units = nlohmann::json::object();
  for (const auto& [name, inputs] : checkpoint.units) {
    units[name] = {{"configuration", inputs.configuration},
                   {"reloaded", inputs.reloaded},
                   {"tools", inputs.tools}};
  }
  return units;
}

nlohmann::json releases_json(const Checkpoint& checkpoint) {
  auto releases = nlohmann::json::object();
  for (const auto& [name, stamp] : checkpoint.releases) {
    releases[name] = {{"manifestDigest", stamp.manifest_digest},
                      {"files", stamp.files},
                      {"packages", stamp.packages}};
  }
  return releases;
}

nlohmann::json starts_json(const Checkpoint& checkpoint) {
  auto starts = nlohmann::json::object();
  for (const auto& [unit, start] : checkpoint.starts) {
    starts[unit] = {{"process", start.process}, {"inputs", start.inputs}};
  }
  return starts;
}

nlohmann::json damaged_json(const Checkpoint& checkpoint) {
  auto damaged = nlohmann::json::object();
  for (const auto& [path, found] : checkpoint.damaged) {
    damaged[path] = {{"why", found.why}, {"at", found.at}};
  }
  return damaged;
}

nlohmann::json to_value(const NodeMarks& marks) {
  return {{"uid", marks.uid},
          {"cordoned", marks.is_cordoned},
          {"taints", marks.taints},
          {"lost", marks.lost},
          {"lostAt", marks.lost_at}};
}

std::vector<std::string> archives_of(const Checkpoint& checkpoint) {
  std::vector<std::string> archives;
  for (const auto& [archive, manifests] : checkpoint.images) archives.push_back(archive);
  return archives;
}

nlohmann::json restarts_json(const Checkpoint& checkpoint) {
  auto restarts = nlohmann::json::object();
  for (const auto& [unit, memory] : checkpoint.restarts) {
    restarts[unit] = {{"count", memory.count}, {"at", memory.at}};
  }
  return restarts;
}

// Reads each member of an object field with `read(name, member object)`.
template <class Read>
void members(JsonObject& root, std::string_view field, std::vector<Problem>& problems, Read read) {
  const nlohmann::json* value = root.raw(field);
  if (value == nullptr || !value->is_object()) return;
  for (const auto& [name, member] : value->items()) {
    JsonObject object(member, pointer_to(pointer_to("", field), name), problems,
                      UnknownFields::ignored);
    read(name, object);
    object.close();
  }
}

void read_stamps(JsonObject& root, std::vector<Problem>& problems,
                 std::map<std::string, ReleaseStamp>& releases) {
  members(root, "releases", problems, [&](const std::string& name, JsonObject& release) {
    ReleaseStamp& stamp = releases[name];
    release.text("manifestDigest", stamp.manifest_digest);
    release.text_map("files", stamp.files);
    release.text_map("packages", stamp.packages);
  });
}

// An agent before noted those alone that were started with something else: "PATH, PATH".
void read_starts(JsonObject& root, std::vector<Problem>& problems,
                 std::map<std::string, UnitStart>& starts) {
  if (root.has("starts")) {
    members(root, "starts", problems, [&](const std::string& unit, JsonObject& start) {
      start.text("process", starts[unit].process);
      start.text_map("inputs", starts[unit].inputs);
    });
  }
  if (!root.has("changedStarts")) return;
  members(root, "changedStarts", problems, [&](const std::string& unit, JsonObject& start) {
    UnitStart before;
    std::string what;
    start.text("process", before.process);
    start.text("what", what);
    std::istringstream paths(what);
    for (std::string path; paths >> path;) {
      if (path.back() == ',') path.pop_back();
      before.inputs[path] = "another";
    }
    starts.emplace(unit, std::move(before));
  });
}

nlohmann::json to_value(const Refusal& refusal) {
  nlohmann::json value = {{"failureClass", refusal.failure_class}};
  write_fields(refusal.document, value);
  write_fields(refusal.detail, value);
  return value;
}

void read_refusal(JsonObject& object, Refusal& refusal) {
  read_fields(object, refusal.document);
  object.text("failureClass", refusal.failure_class);
  read_fields(object, refusal.detail);
}

void read_set(JsonObject& root, std::string_view field, std::set<std::string>& target) {
  std::vector<std::string> list;
  root.texts(field, list);
  target = std::set<std::string>(list.begin(), list.end());
}

// An agent before 0.3 noted the archives alone.
void read_images(JsonObject& root, Checkpoint& checkpoint) {
  std::vector<std::string> archives;
  std::map<std::string, std::vector<std::string>> manifests;
  root.texts("images", archives);
  root.text_list_map("imageManifests", manifests, Need::optional);
  for (const auto& archive : archives) {
    const auto& known = manifests[archive];
    checkpoint.images[archive] = std::set<std::string>(known.begin(), known.end());
  }
}

void read_marks(JsonObject& object, NodeMarks& marks) {
  object.text("uid", marks.uid);
  object.flag("cordoned", marks.is_cordoned);
  object.texts("taints", marks.taints);
  object.texts("lost", marks.lost);
  object.number("lostAt", marks.lost_at);
}

// A memory that cannot be read is none: it decides nothing but when an alarm is given.
void read_restarts(JsonObject& root, Restarts& restarts) {
  const nlohmann::json* value = root.raw("restarts", Need::optional);
  if (value == nullptr || !value->is_object()) return;
  for (const auto& [unit, memory] : value->items()) {
    if (!memory.is_object() || !memory.contains("count") || !memory.contains("at")) continue;
    const auto& [count, at] = std::tie(memory["count"], memory["at"]);
    if (!count.is_number_unsigned() || !at.is_array()) continue;
    UnitRestarts& known = restarts[unit];
    known.count = count.get<std::uint32_t>();
    for (const auto& time : at) {
      if (time.is_number_integer()) known.at.push_back(time.get<std::int64_t>());
    }
  }
}

void read_secrets(JsonObject& root, std::map<std::string, std::uint64_t>& secrets) {
  const nlohmann::json* value = root.raw("secrets");
  if (value == nullptr || !value->is_object()) return;
  for (const auto& [path, version] : value->items()) {
    if (version.is_number_unsigned()) {
      secrets[path] = version.get<std::uint64_t>();
    } else {
      root.problem("secrets", fmt::format("expected a version for '{}'", path));
    }
  }
}

nlohmann::json to_value(const Taken& taken) {
  return {{"generation", taken.generation}, {"digest", taken.digest}};
}

void read_taken(JsonObject& root, std::string_view field, Taken& taken) {
  root.object(
      field,
      [&](JsonObject& object) {
        object.number("generation", taken.generation);
        object.text("digest", taken.digest);
      },
      Need::optional);
}

nlohmann::json known_fields(const Checkpoint& checkpoint) {
  nlohmann::json value = {{"version", 1},
                          {"trustVersion", checkpoint.trust_version},
                          {"documentGeneration", checkpoint.document_generation},
                          {"peersGeneration", checkpoint.peers_generation},
                          {"node", checkpoint.node},
                          {"cluster", checkpoint.cluster},
                          {"reportCounter", checkpoint.report_counter},
                          {"lastContact", checkpoint.last_contact},
                          {"settledBoot", checkpoint.settled_boot},
                          {"kubeletStarted", checkpoint.kubelet_started},
                          {"settledDocument", checkpoint.settled_document},
                          {"lastVerdict", checkpoint.last_verdict},
                          {"lastMessage", checkpoint.last_message},
                          {"etcdStarted", checkpoint.etcd_started},
                          {"etcdStart",
                           {{"state", checkpoint.etcd_start.state},
                            {"initialCluster", checkpoint.etcd_start.initial_cluster}}},
                          {"etcdClusterId", checkpoint.etcd_cluster_id},
                          {"etcdMemberId", checkpoint.etcd_member_id},
                          {"units", units_json(checkpoint)},
                          {"releases", releases_json(checkpoint)},
                          {"secrets", checkpoint.secrets},
                          {"images", archives_of(checkpoint)},
                          {"imageManifests", checkpoint.images},
                          {"restarts", restarts_json(checkpoint)},
                          {"files", checkpoint.files},
                          {"created", checkpoint.created},
                          {"originals", checkpoint.originals},
                          {"packages", checkpoint.packages},
                          {"packageVersions", checkpoint.package_versions}};
  // What came later is left out at its default.
  if (!checkpoint.document_taken.digest.empty())
    value["documentTaken"] = to_value(checkpoint.document_taken);
  if (!checkpoint.peers_taken.digest.empty())
    value["peersTaken"] = to_value(checkpoint.peers_taken);
  if (checkpoint.is_unverified) value["unverified"] = true;
  if (!checkpoint.secret_digests.empty()) value["secretDigests"] = checkpoint.secret_digests;
  if (!checkpoint.etcd_address.empty()) value["etcdAddress"] = checkpoint.etcd_address;
  if (!checkpoint.settled_state.empty()) value["settledState"] = checkpoint.settled_state;
  if (!checkpoint.withdrawn.empty()) value["withdrawn"] = checkpoint.withdrawn;
  if (checkpoint.refused) value["refused"] = to_value(*checkpoint.refused);
  if (const auto& restarts = checkpoint.node_restarts; restarts.count > 0) {
    value["nodeRestarts"] = {{"count", restarts.count}, {"at", restarts.at}};
  }
  if (!checkpoint.starts.empty()) value["starts"] = starts_json(checkpoint);
  if (!checkpoint.manager_inputs.empty()) value["managerInputs"] = checkpoint.manager_inputs;
  if (!checkpoint.damaged.empty()) value["damaged"] = damaged_json(checkpoint);
  if (!checkpoint.node_marks.uid.empty()) value["nodeMarks"] = to_value(checkpoint.node_marks);
  return value;
}

}  // namespace

std::map<std::string, std::string> packages_of(
    const std::map<std::string, ReleaseStamp>& releases) {
  std::map<std::string, std::string> versions;
  for (const auto& [release, stamp] : releases) {
    versions.insert(stamp.packages.begin(), stamp.packages.end());
  }
  return versions;
}

std::string to_json(const Checkpoint& checkpoint) {
  nlohmann::json value = known_fields(checkpoint);
  put_back(checkpoint.newer_fields, value);
  return canonical_text(value);
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto json = parse_strict_json(paths::checkpoint, text, {largest_checkpoint});
  if (!json) return pass(json.error());
  Checkpoint checkpoint;
  std::vector<Problem> problems;
  int version = 0;
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  root.number("version", version);
  if (version != 1) root.problem("version", fmt::format("expected 1, found {}", version));
  root.number("trustVersion", checkpoint.trust_version);
  root.number("documentGeneration", checkpoint.document_generation);
  root.number("peersGeneration", checkpoint.peers_generation);
  read_taken(root, "documentTaken", checkpoint.document_taken);
  read_taken(root, "peersTaken", checkpoint.peers_taken);
  root.flag("unverified", checkpoint.is_unverified, Need::optional);
  root.text("node", checkpoint.node);
  root.text("cluster", checkpoint.cluster);
  root.number("reportCounter", checkpoint.report_counter);
  root.number("lastContact", checkpoint.last_contact);
  root.text("settledBoot", checkpoint.settled_boot);
  root.text("kubeletStarted", checkpoint.kubelet_started, Need::optional);
  root.object(
      "nodeRestarts",
      [&](JsonObject& restarts) {
        restarts.number("count", checkpoint.node_restarts.count);
        restarts.number("at", checkpoint.node_restarts.at);
      },
      Need::optional);
  root.text("settledDocument", checkpoint.settled_document);
  root.text("settledState", checkpoint.settled_state, Need::optional);
  root.object(
      "refused", [&](JsonObject& refused) { read_refusal(refused, checkpoint.refused.emplace()); },
      Need::optional);
  root.text("withdrawn", checkpoint.withdrawn, Need::optional);
  root.text("lastVerdict", checkpoint.last_verdict);
  root.text("lastMessage", checkpoint.last_message);
  root.flag("etcdStarted", checkpoint.etcd_started);
  root.object("etcdStart", [&](JsonObject& start) {
    start.text("state", checkpoint.etcd_start.state);
    start.text("initialCluster", checkpoint.etcd_start.initial_cluster);
  });
  root.text("etcdClusterId", checkpoint.etcd_cluster_id);
  root.text("etcdMemberId", checkpoint.etcd_member_id);
  root.text("etcdAddress", checkpoint.etcd_address, Need::optional);
  members(root, "units", problems, [&](const std::string& name, JsonObject& unit) {
    UnitInputs& inputs = checkpoint.units[name];
    unit.text("configuration", inputs.configuration);
    unit.text("reloaded", inputs.reloaded);
    unit.text_map("tools", inputs.tools, Need::optional);
    // Of agents before 0.3, which never used it.
    static_cast<void>(unit.raw("certificates", Need::optional));
  });
  read_starts(root, problems, checkpoint.starts);
  root.text_map("managerInputs", checkpoint.manager_inputs, Need::optional);
  if (root.has("damaged")) {
    members(root, "damaged", problems, [&](const std::string& path, JsonObject& found) {
      found.text("why", checkpoint.damaged[path].why);
      found.number("at", checkpoint.damaged[path].at);
    });
  }
  root.object(
      "nodeMarks", [&](JsonObject& marks) { read_marks(marks, checkpoint.node_marks); },
      Need::optional);
  read_stamps(root, problems, checkpoint.releases);
  read_secrets(root, checkpoint.secrets);
  root.text_map("secretDigests", checkpoint.secret_digests, Need::optional);
  read_images(root, checkpoint);
  read_restarts(root, checkpoint.restarts);
  read_set(root, "files", checkpoint.files);
  read_set(root, "created", checkpoint.created);
  read_set(root, "originals", checkpoint.originals);
  read_set(root, "packages", checkpoint.packages);
  root.text_map("packageVersions", checkpoint.package_versions, Need::optional);
  // One of before they were noted, whose agent gave every package exactly its version.
  if (!root.has("packageVersions")) {
    checkpoint.package_versions = packages_of(checkpoint.releases);
  }
  root.close();
  if (!problems.empty()) return fail(paths::checkpoint, problems);
  checkpoint.newer_fields = newer_fields(*json, known_fields(checkpoint));
  std::erase_if(checkpoint.newer_fields, [](const auto& field) {
    return field.first.starts_with("/changedStarts");  // of an older one: read_starts
  });
  return checkpoint;
}

std::map<std::string, ReleaseStamp> parse_carried_stamps(std::string_view text) {
  const auto json = parse_strict_json(paths::carried_releases, text, {largest_checkpoint});
  if (!json) return {};
  std::map<std::string, ReleaseStamp> releases;
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  root.constant("version", "1");
  read_stamps(root, problems, releases);
  root.close();
  if (!problems.empty()) return {};
  return releases;
}

}  // namespace muster
