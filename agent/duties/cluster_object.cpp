#include "agent/duties/cluster_object.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

using nlohmann::json;

// Maps print as JSON, absent ones as nothing. managedFields are left out of JSON and YAML, not
// here.
constexpr const char* object_line =
    R"({.apiVersion}{"\t"}{.kind}{"\t"}{.metadata.namespace}{"\t"}{.metadata.name}{"\t"})"
    R"({.metadata.labels}{"\t"}{.metadata.annotations}{"\t"}{.metadata.deletionTimestamp}{"\t"})"
    R"({.data.muster\.addons}{"\t"}{.metadata.managedFields}{"\n"})";
constexpr std::size_t object_columns = 9;

// Names alone, of what Muster applied: whoever lists a cluster's every object needs no more.
constexpr const char* applied_names =
    R"(go-template={{range .items}}{{$o := .}}{{range .metadata.managedFields}}{{with .manager}})"
    R"({{if eq . "muster"}}{{$o.apiVersion}}{{"\t"}}{{$o.kind}}{{"\t"}})"
    R"({{with $o.metadata.namespace}}{{.}}{{end}}{{"\t"}}{{$o.metadata.name}}{{"\n"}})"
    R"({{end}}{{end}}{{end}}{{end}})";

// "apps/v1", "Deployment" -> "Deployment.apps"
std::string grouped_kind(std::string_view api_version, std::string_view kind) {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return std::string(kind);
  return fmt::format("{}.{}", kind, api_version.substr(0, slash));
}

std::vector<std::string_view> split_line(std::string_view line) {
  std::vector<std::string_view> columns;
  for (;;) {
    const std::size_t tab = line.find('\t');
    columns.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return columns;
    line.remove_prefix(tab + 1);
  }
}

Result<json> read_column(const ObjectId& id, std::string_view text, json absent) {
  if (text.empty()) return absent;
  // The paths of managedFields are as deep as the object.
  return parse_strict_json(to_text(id), text, {8u << 20, 256});
}

// The fields of the entry by which Muster applied the object; null: none.
json applied_fields(const json& managers) {
  for (const json& entry : managers) {
    if (text_at(entry, "manager") == field_manager && text_at(entry, "operation") == "Apply") {
      return entry.value("fieldsV1", json::object());
    }
  }
  return nullptr;
}

// A person's `kubectl scale` is put right; an autoscaler's is its work.
bool is_autoscaled(const json& managers) {
  return std::any_of(managers.begin(), managers.end(), [](const json& entry) {
    return text_at(entry, "subresource") == "scale" &&
           text_at(entry, "manager").rfind("kubectl", 0) != 0 &&
           entry.contains(json::json_pointer("/fieldsV1/f:spec/f:replicas"));
  });
}

std::string last_changer(const json& managers) {
  std::string name, time;
  for (const json& entry : managers) {
    const std::string at = text_at(entry, "time");
    const bool is_other = text_at(entry, "manager") != field_manager;
    if (!is_other || text_at(entry, "subresource") == "status" || at < time) continue;
    name = text_at(entry, "manager");
    time = at;
  }
  return name;
}

std::string fields_digest(const json& fields) {
  return sha256_digest(canonical_text(fields)).substr(7, 16);
}

void read_managers(const json& managers, const std::string& prune, ClusterObject& object) {
  object.changed_by = last_changer(managers);
  json fields = applied_fields(managers);
  if (fields.is_null()) return;
  object.fields = fields_digest(fields);
  const json::json_pointer consent("/f:metadata/f:annotations/f:muster.dev~1prune");
  object.has_consent = prune == "true" && fields.contains(consent);
  if (is_autoscaled(managers)) fields["f:spec"]["f:replicas"] = json::object();
  object.unscaled_fields = fields_digest(fields);
}

Result<ClusterObject> parse_object(const std::vector<std::string_view>& row) {
  ClusterObject object;
  object.api_version = std::string(row[0]);
  object.id = {grouped_kind(row[0], row[1]), std::string(row[2]), std::string(row[3])};
  object.is_going = !row[6].empty();
  object.record = std::string(row[7]);
  const auto labels = read_column(object.id, row[4], json::object());
  const auto annotations = read_column(object.id, row[5], json::object());
  const auto managers = read_column(object.id, row[8], json::array());
  for (const auto* column : {&labels, &annotations, &managers}) {
    if (!*column) return pass(column->error());
  }
  object.addon = text_at(*labels, addon_label);
  const std::string prune = text_at(*annotations, prune_annotation);
  object.is_kept = prune == "false";
  read_managers(*managers, prune, object);
  return object;
}

// `error: the server doesn't have a resource type "Foo"`: its CRD is not there (any more).
bool drop_unknown(const Error& error, std::set<std::string>& kinds) {
  constexpr std::string_view said = "the server doesn't have a resource type \"";
  const std::size_t at = error.message.find(said);
  if (at == std::string::npos) return false;
  const std::size_t begin = at + said.size();
  const std::string kind = error.message.substr(begin, error.message.find('"', begin) - begin);
  return std::erase_if(kinds, [&](const std::string& known) {
           return known.substr(0, known.find('.')) == kind;
         }) > 0;
}

std::string object_names(const std::vector<ClusterObject>& objects) {
  std::string names;
  for (const ClusterObject& object : objects) {
    json metadata = {{"name", object.id.name}};
    if (!object.id.space.empty()) metadata["namespace"] = object.id.space;
    names += json({{"apiVersion", object.api_version},
                   {"kind", object.id.kind.substr(0, object.id.kind.find('.'))},
                   {"metadata", metadata}})
                 .dump() +
             "\n";
  }
  return names;
}

}  // namespace

std::string to_text(const ObjectId& id) {
  return id.space.empty() ? fmt::format("{} {}", id.kind, id.name)
                          : fmt::format("{} {}/{}", id.kind, id.space, id.name);
}

std::string object_output() {
  // One object prints as itself, several as a List.
  return fmt::format("--output=jsonpath={}{{range .items[*]}}{}{{end}}", object_line, object_line);
}

Result<std::vector<ClusterObject>> parse_objects(std::string_view lines) {
  std::vector<ClusterObject> objects;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    if (line.empty()) continue;
    const auto row = split_line(line);
    if (row.size() != object_columns) {
      return fail(ErrorKind::corrupt, fmt::format("kubectl: expected {} columns, found '{}'",
                                                  object_columns, line.substr(0, 200)));
    }
    if (row[1] == "List") continue;
    auto object = parse_object(row);
    if (!object) return pass(object.error());
    objects.push_back(std::move(*object));
  }
  return objects;
}

Result<std::vector<ClusterObject>> labelled_objects(std::set<std::string>& kinds,
                                                    const Kubectl& kubectl) {
  while (!kinds.empty()) {
    const auto lines =
        kubectl.run({"get", fmt::format("{}", fmt::join(kinds, ",")), "--all-namespaces",
                     std::string("--selector=") + addon_label, object_output()});
    if (lines) return parse_objects(*lines);
    if (!drop_unknown(lines.error(), kinds)) return pass(lines.error());
  }
  return std::vector<ClusterObject>();
}

Result<std::vector<ClusterObject>> unlabelled_objects(const std::set<std::string>& kinds,
                                                      const Kubectl& kubectl) {
  const auto lines =
      kubectl.run({"get", fmt::format("{}", fmt::join(kinds, ",")), "--all-namespaces",
                   fmt::format("--selector=!{}", addon_label), "--output", applied_names},
                  {}, std::chrono::minutes(1));
  if (!lines) return pass(lines.error());
  std::vector<ClusterObject> objects;
  std::string_view rest = *lines;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const auto row = split_line(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    if (row.size() != 4) continue;
    ClusterObject object;
    object.api_version = std::string(row[0]);
    object.id = {grouped_kind(row[0], row[1]), std::string(row[2]), std::string(row[3])};
    objects.push_back(std::move(object));
  }
  return objects;
}

Result<std::vector<ClusterObject>> existing_objects(const std::vector<ClusterObject>& objects,
                                                    const Kubectl& kubectl) {
  const auto lines = kubectl.run({"get", "--ignore-not-found", "--filename=-", object_output()},
                                 object_names(objects));
  if (!lines) return pass(lines.error());
  return parse_objects(*lines);
}

Result<void> delete_objects(const std::vector<ClusterObject>& objects, const Kubectl& kubectl) {
  const auto deleted = kubectl.run({"delete", "--ignore-not-found", "--wait=false", "--filename=-"},
                                   object_names(objects));
  if (!deleted) return pass(deleted.error());
  return {};
}

}  // namespace muster
