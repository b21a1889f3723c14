#include "records/revision.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "inventory/cluster_template.hpp"
#include "inventory/release_choice.hpp"
#include "pki/signature.hpp"
#include "records/all_records.hpp"
#include "records/revision_cause.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Escaping may double what load() accepts; facts of ten thousand nodes add some megabytes.
constexpr JsonLimits revision_limits{2 * maximum_inventory_total + (64u << 20), 16};
constexpr JsonLimits cluster_limits{16u << 20, 8};
constexpr std::size_t shortest_prefix = 8;  // hex digits
constexpr std::string_view digest_prefix = "sha256:";

void read_head(JsonObject& root, Revision& revision) {
  root.text("cluster", revision.cluster);
  root.number("number", revision.number);
  root.text("digest", revision.digest);
  root.number("publishedAt", revision.published_at);
  root.text("actor", revision.actor);
  root.number("rollbackOf", revision.rollback_of);
  root.number("machines", revision.machines, Need::optional);
  root.number("instanceMasters", revision.instance_masters, Need::optional);
  root.number("content", revision.content, Need::optional);
  root.text("cause", revision.cause, Need::optional);
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// A short text of digits is a number; a long one is the beginning of a digest.
std::uint64_t number_of(std::string_view wanted) {
  std::uint64_t number = 0;
  if (wanted.size() >= shortest_prefix) return 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  return error == std::errc() && end == wanted.data() + wanted.size() ? number : 0;
}

tl::unexpected<Error> no_such_revision(const std::string& cluster, std::string_view wanted) {
  return fail(
      ErrorKind::not_found,
      fmt::format("cluster '{}': there is no revision {}. `muster revision list` shows them.",
                  cluster, in_ticks(wanted)));
}

Result<std::uint64_t> find_number(const Store& store, const std::string& cluster,
                                  std::string_view wanted) {
  if (const std::uint64_t number = number_of(wanted); number != 0) return number;
  std::string_view digits = wanted;
  if (digits.starts_with(digest_prefix)) digits.remove_prefix(digest_prefix.size());
  if (digits.size() < shortest_prefix || !is_hex(digits)) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "revision: expected a number, or a digest or at least its first {} digits, found {}",
            shortest_prefix, in_ticks(wanted)));
  }
  const std::string prefix = fmt::format("{}{}", digest_prefix, digits);
  const auto revisions = list_revisions(store, cluster);
  if (!revisions) return pass(revisions.error());
  const Revision* found = nullptr;
  for (const auto& revision : *revisions) {
    if (!revision.digest.starts_with(prefix)) continue;
    if (found == nullptr) found = &revision;
    if (found->digest != revision.digest) {
      return fail(
          ErrorKind::conflict,
          fmt::format("cluster '{}': the revisions {} and {} both begin with {}. Give more digits.",
                      cluster, found->digest, revision.digest, in_ticks(wanted)));
    }
  }
  if (found == nullptr) return no_such_revision(cluster, wanted);
  return found->number;
}

}  // namespace

namespace {
std::string publication_json(const Revision& publication) {
  return canonical_text({{"cluster", publication.cluster},
                         {"number", publication.number},
                         {"digest", publication.digest},
                         {"publishedAt", publication.published_at},
                         {"actor", publication.actor},
                         {"rollbackOf", publication.rollback_of},
                         {"machines", publication.machines},
                         {"content", publication.content},
                         {"cause", publication.cause}});
}
}  // namespace

std::string to_json(const Revision& revision) {
  if (revision.content != 0) return publication_json(revision);
  return canonical_text(
      {{"cluster", revision.cluster},
       {"number", revision.number},
       {"digest", revision.digest},
       {"publishedAt", revision.published_at},
       {"actor", revision.actor},
       {"rollbackOf", revision.rollback_of},
       {"machines", revision.machines},
       {"instanceMasters", revision.instance_masters},
       {"files", revision.files},
       {"facts", nlohmann::json::parse(to_json(revision.facts), nullptr, false)}});
}

std::string inventory_digest(const InventoryFiles& files, std::uint64_t instance_masters) {
  return sha256_digest(canonical_text({{"files", files}, {"instanceMasters", instance_masters}}));
}

Checked<Inventory> inventory_of(const Revision& revision) {
  auto inventory = load(revision.files, Rules::stored);
  if (!inventory || revision.instance_masters == 0) return inventory;
  return instantiate(std::move(*inventory), revision.cluster,
                     static_cast<int>(revision.instance_masters));
}

Result<Revision> parse_revision(std::string_view json) {
  const auto value = parse_strict_json("revision", json, revision_limits);
  if (!value) return pass(value.error());
  Revision revision;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  read_head(root, revision);
  if (revision.content != 0) {
    root.close();
    if (!problems.empty()) return fail("publication", problems);
    return revision;
  }
  root.text_map("files", revision.files);
  const nlohmann::json* facts = root.raw("facts");
  root.close();
  if (!problems.empty()) return fail("revision", problems);
  auto parsed = parse_site_facts(facts->dump());
  if (!parsed) return while_doing(parsed.error(), "revision");
  revision.facts = std::move(*parsed);
  return revision;
}

std::string to_json(const ClusterRecord& record) {
  nlohmann::json value = {{"name", record.name},
                          {"revisionNumber", record.revision_number},
                          {"revision", record.revision},
                          {"publishedAt", record.published_at},
                          {"actor", record.actor},
                          {"fixed",
                           {{"podCidr", record.fixed.pod_cidr},
                            {"serviceCidr", record.fixed.service_cidr},
                            {"dnsDomain", record.fixed.dns_domain},
                            {"etcdTopology", record.fixed.etcd_topology}}},
                          {"podCidrs", record.pod_cidrs},
                          {"departed", record.departed},
                          {"documentKey", record.document_key}};
  if (!record.banned_machines.empty()) value["bannedMachines"] = record.banned_machines;
  if (!record.kept.empty()) value["kept"] = record.kept;
  if (!record.inventory.empty()) value["inventory"] = record.inventory;
  if (!record.releases.empty()) value["releases"] = record.releases;
  if (record.content != 0) {
    value["content"] = record.content;
    value["history"] = record.history;
  }
  return canonical_text(value);
}

const std::string& signer_of(const ClusterRecord& record, const std::string& servers_key) {
  return record.document_key.empty() ? servers_key : record.document_key;
}

Result<ClusterRecord> parse_cluster_record(std::string_view json) {
  const auto value = parse_strict_json("cluster record", json, cluster_limits);
  if (!value) return pass(value.error());
  ClusterRecord record;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("name", record.name);
  root.number("revisionNumber", record.revision_number);
  root.text("revision", record.revision);
  root.number("publishedAt", record.published_at);
  root.text("actor", record.actor);
  root.object("fixed", [&](JsonObject& fixed) {
    fixed.text("podCidr", record.fixed.pod_cidr);
    fixed.text("serviceCidr", record.fixed.service_cidr);
    fixed.text("dnsDomain", record.fixed.dns_domain);
    fixed.text("etcdTopology", record.fixed.etcd_topology);
  });
  root.text_map("podCidrs", record.pod_cidrs);
  root.object(
      "departed",
      [&](JsonObject& departed) {
        for (const auto& node : departed.fields()) departed.number(node, record.departed[node]);
      },
      Need::optional);
  root.text("documentKey", record.document_key, Need::optional);
  root.texts("bannedMachines", record.banned_machines, Need::optional);
  root.text_map("kept", record.kept, Need::optional);
  root.text("inventory", record.inventory, Need::optional);
  root.text_map("releases", record.releases, Need::optional);
  root.number("content", record.content, Need::optional);
  root.numbers("history", record.history, Need::optional);
  root.close();
  if (!problems.empty()) return fail("cluster record", problems);
  return record;
}

Result<FoundCluster> find_cluster(const Store& store, const std::string& name) {
  const auto record = store.get(kinds::cluster, name);
  if (!record && record.error().kind == ErrorKind::not_found) {
    FoundCluster found;
    found.record.name = name;
    return found;
  }
  if (!record) return pass(record.error());
  auto parsed = parse_cluster_record(record->value);
  if (!parsed) return while_doing(parsed.error(), fmt::format("cluster '{}'", name));
  return FoundCluster{std::move(*parsed), record->version};
}

namespace {
void drop_content(Revision& revision) {
  revision.files.clear();
  revision.facts = {};
}
}  // namespace

Result<std::vector<Revision>> list_revisions(const Store& store, const std::string& cluster) {
  std::vector<Revision> revisions;
  const auto records = all_records(store, kinds::revision, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    auto revision = parse_revision(record.value);
    if (!revision) return while_doing(revision.error(), fmt::format("revision '{}'", record.key));
    revision->cause = cause_of(*revision, revisions.empty() ? nullptr : &revisions.back());
    if (!revisions.empty()) drop_content(revisions.back());
    revisions.push_back(std::move(*revision));
  }
  if (!revisions.empty()) drop_content(revisions.back());
  const auto publications = all_records(store, kinds::publication, kinds::prefix_of(cluster));
  if (!publications) return pass(publications.error());
  for (const auto& record : *publications) {
    auto publication = parse_revision(record.value);
    if (!publication)
      return while_doing(publication.error(), fmt::format("publication '{}'", record.key));
    revisions.push_back(std::move(*publication));
  }
  std::sort(revisions.begin(), revisions.end(),
            [](const Revision& left, const Revision& right) { return left.number > right.number; });
  return revisions;
}

Result<Revision> find_revision(const Store& store, const std::string& cluster,
                               std::string_view wanted) {
  auto number = find_number(store, cluster, wanted);
  if (!number) return pass(number.error());
  const auto publication = store.get(kinds::publication, kinds::revision_key(cluster, *number));
  if (publication) {
    const auto parsed = parse_revision(publication->value);
    if (!parsed) return pass(parsed.error());
    number = parsed->content;
  } else if (publication.error().kind != ErrorKind::not_found) {
    return pass(publication.error());
  }
  const auto record = store.get(kinds::revision, kinds::revision_key(cluster, *number));
  if (!record && record.error().kind == ErrorKind::not_found) {
    return no_such_revision(cluster, wanted);
  }
  if (!record) return pass(record.error());
  return parse_revision(record->value);
}

std::vector<CatalogueEntry> releases_of(const Revision& revision) {
  const auto inventory = inventory_of(revision);
  if (!inventory) return {};
  const auto cluster = inventory->clusters.find(revision.cluster);
  if (cluster == inventory->clusters.end()) return {};
  std::vector<InventoryProblem> ignored;
  return ReleaseChoice(cluster->second, revision.facts, ignored).all();
}

Result<std::map<std::string, std::string>> manifests_of_revisions(const Store& store) {
  const auto records = all_records(store, kinds::revision);
  if (!records) return pass(records.error());
  std::map<std::string, std::string> manifests;
  std::set<std::string> seen;
  for (const auto& record : *records) {
    const auto revision = parse_revision(record.value);
    if (!revision) return while_doing(revision.error(), fmt::format("revision '{}'", record.key));
    if (!seen.insert(revision->digest).second) continue;  // published anew, or gone back to
    for (const auto& release : releases_of(*revision)) {
      manifests[release.manifest_digest] =
          fmt::format("revision {} of '{}' can be gone back to and needs it", revision->number,
                      revision->cluster);
    }
  }
  return manifests;
}

namespace {

// Files and number of masters of a revision's record, whatever else stands in it.
std::pair<InventoryFiles, std::uint64_t> files_in(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  InventoryFiles files;
  if (!json.is_object()) return {};
  const auto found = json.find("files");
  if (found != json.end() && found->is_object()) {
    for (const auto& [path, file] : found->items())
      if (file.is_string()) files[path] = file.get<std::string>();
  }
  const auto masters = json.find("instanceMasters");
  const bool is_count = masters != json.end() && masters->is_number_unsigned();
  return {std::move(files), is_count ? masters->get<std::uint64_t>() : 0};
}

tl::unexpected<Error> refused_inventory(const std::string& cluster, std::uint64_t number,
                                        const std::vector<InventoryProblem>& problems) {
  return fail(
      ErrorKind::corrupt,
      fmt::format(
          "cluster '{}': this program refuses the inventory of revision {}, which an earlier one published. Apply a sound one:\n{}",
          cluster, number, to_text(problems)));
}

}  // namespace

Result<Inventory> published_inventory(const Store& store, const std::string& cluster) {
  auto stored = stored_inventory(store, cluster);
  if (!stored) return pass(stored.error());
  if (!stored->sound) return pass(stored->sound.error());
  return std::move(stored->inventory);
}

Result<StoredInventory> stored_inventory(const Store& store, const std::string& cluster) {
  const auto found = find_cluster(store, cluster);
  if (!found) return pass(found.error());
  if (found->version == 0) return no_record(kinds::cluster, cluster);
  const std::string key = kinds::revision_key(cluster, content_of(found->record));
  const auto record = store.get(kinds::revision, key);
  if (record) return stored_inventory(key, record->value);
  if (record.error().kind != ErrorKind::not_found) return pass(record.error());
  return StoredInventory{{}, fail(ErrorKind::corrupt, record.error().message)};
}

StoredInventory stored_inventory(const std::string& key, const std::string& text) {
  StoredInventory stored;
  const auto names = kinds::parse_pair_key(key);
  const std::string cluster = names ? names->first : std::string();
  auto whole = parse_revision(text);
  auto [files, masters] =
      whole ? std::pair(std::move(whole->files), whole->instance_masters) : files_in(text);
  ToleratedInventory read = load_tolerantly(files);
  const bool is_instance = masters != 0 && !read.inventory.clusters.empty();
  stored.inventory =
      is_instance ? instantiate(std::move(read.inventory), cluster, static_cast<int>(masters))
                  : std::move(read.inventory);
  if (!whole) {
    stored.sound = while_doing(whole.error(), fmt::format("revision '{}'", key));
  } else if (!read.problems.empty()) {
    stored.sound = refused_inventory(cluster, whole->number, read.problems);
  }
  return stored;
}

}  // namespace muster
