#include "records/revision.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "inventory/cluster_template.hpp"
#include "inventory/netboot.hpp"
#include "inventory/release_choice.hpp"
#include "pki/signature.hpp"
#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "records/revision_cause.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Escaping may double what load() accepts; facts of ten thousand nodes add some megabytes.
constexpr JsonLimits revision_limits{2 * maximum_inventory_total + (64u << 20), 16};
constexpr JsonLimits cluster_limits{16u << 20, 8};
constexpr std::size_t shortest_prefix = 8;  // hex digits
constexpr std::string_view digest_prefix = "sha256:";

// `facts`: inventory/site_facts reads and writes them.
constexpr auto revision_fields = [](auto& fields, auto& revision, auto& facts) {
  fields.text("cluster", revision.cluster);
  fields.number("number", revision.number);
  fields.text("digest", revision.digest);
  fields.number("publishedAt", revision.published_at);
  fields.text("actor", revision.actor);
  fields.number("rollbackOf", revision.rollback_of);
  fields.number("machines", revision.machines, Presence::newer);
  fields.number("content", revision.content, Presence::if_set);
  if (revision.content != 0) {
    fields.text("cause", revision.cause, Presence::newer);
  } else {
    fields.number("instanceMasters", revision.instance_masters, Presence::newer);
    fields.text_map("files", revision.files);
    fields.foreign("facts", facts);
  }
};

constexpr auto fixed_fields = [](auto& fields, auto& fixed) {
  fields.text("podCidr", fixed.pod_cidr);
  fields.text("serviceCidr", fixed.service_cidr);
  fields.text("dnsDomain", fixed.dns_domain);
  fields.text("etcdTopology", fixed.etcd_topology);
};

constexpr auto cluster_fields = [](auto& fields, auto& record) {
  fields.text("name", record.name);
  fields.number("revisionNumber", record.revision_number);
  fields.text("revision", record.revision);
  fields.number("publishedAt", record.published_at);
  fields.text("actor", record.actor);
  fields.object("fixed", record.fixed, fixed_fields);
  fields.text_map("podCidrs", record.pod_cidrs);
  fields.number_map("departed", record.departed, Presence::newer);
  fields.text("documentKey", record.document_key, Presence::newer);
  fields.texts("bannedMachines", record.banned_machines, Presence::if_set);
  fields.text_map("kept", record.kept, Presence::if_set);
  fields.text("inventory", record.inventory, Presence::if_set);
  fields.text_map("releases", record.releases, Presence::if_set);
  fields.number("content", record.content, Presence::if_set);
  if (record.content != 0) fields.numbers("history", record.history, Presence::newer);
};

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::uint64_t number_of(std::string_view wanted) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  return error == std::errc() && end == wanted.data() + wanted.size() ? number : 0;
}

tl::unexpected<Error> no_such_revision(const std::string& cluster, std::string_view wanted) {
  return fail(
      ErrorKind::not_found,
      fmt::format("cluster '{}': there is no revision {}. `muster revision list` shows them.",
                  cluster, in_ticks(wanted)));
}

Result<bool> is_published(const Store& store, const std::string& cluster, std::uint64_t number) {
  const std::string key = kinds::revision_key(cluster, number);
  for (const auto kind : {kinds::revision, kinds::publication}) {
    const auto record = store.get(kind, key);
    if (record) return true;
    if (record.error().kind != ErrorKind::not_found) return pass(record.error());
  }
  return false;
}

Result<std::uint64_t> find_number(const Store& store, const std::string& cluster,
                                  std::string_view wanted) {
  // A short text of digits is a number. A long one may be the beginning of a digest too: numbers
  // are long after a restore.
  if (const std::uint64_t number = number_of(wanted); number != 0) {
    const bool is_short = wanted.size() < shortest_prefix;
    const auto there = is_short ? true : is_published(store, cluster, number);
    if (!there) return pass(there.error());
    if (*there) return number;
  }
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

std::string to_json(const Revision& revision) {
  const std::string facts = revision.content == 0 ? to_json(revision.facts) : std::string();
  RecordWriter fields;
  revision_fields(fields, revision, facts);
  return fields.whole();
}

std::string inventory_digest(const InventoryFiles& files, std::uint64_t instance_masters) {
  // The canonical text of both, put together by hand: it is as long as the inventory.
  std::string text = "{\"files\":{";
  for (const auto& [name, file] : files) {
    if (text.back() != '{') text += ',';
    text += json_string(name);
    text += ':';
    text += json_string(file);
  }
  return sha256_digest(text + "},\"instanceMasters\":" + std::to_string(instance_masters) + "}");
}

Checked<Inventory> inventory_of(const Revision& revision) {
  auto inventory = load(revision.files, Rules::stored);
  if (!inventory || revision.instance_masters == 0) return inventory;
  return instantiate(std::move(*inventory), revision.cluster,
                     static_cast<int>(revision.instance_masters));
}

Result<Revision> parse_revision(std::string_view json) {
  const auto value = as_stored(parse_strict_json("revision", json, revision_limits));
  if (!value) return pass(value.error());
  Revision revision;
  std::string facts;
  const auto problems = fill_record(*value, revision, [&](auto& fields, auto& record) {
    revision_fields(fields, record, facts);
  });
  if (!problems.empty())
    return as_stored<Revision>(fail(revision.content == 0 ? "revision" : "publication", problems));
  if (revision.content != 0) return revision;
  auto parsed = as_stored(parse_site_facts(facts));
  if (!parsed) return while_doing(parsed.error(), "revision");
  revision.facts = std::move(*parsed);
  return revision;
}

std::string to_json(const ClusterRecord& record) {
  return record_text(record, cluster_fields);
}

const std::string& signer_of(const ClusterRecord& record, const std::string& servers_key) {
  return record.document_key.empty() ? servers_key : record.document_key;
}

Result<ClusterRecord> parse_cluster_record(std::string_view json) {
  return parse_record<ClusterRecord>("cluster record", json, cluster_fields, cluster_limits);
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

Result<void> expect_cluster(const Store& store, const std::string& name, Transaction& transaction) {
  const auto record = store.get(kinds::cluster, name);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  if (!record) {
    return fail(
        ErrorKind::not_found, "not_found",
        fmt::format("cluster '{}': it has ended; `muster status` shows the clusters there are",
                    name));
  }
  transaction.expect(kinds::cluster, name, record->version);
  return {};
}

namespace {
void drop_content(Revision& revision) {
  revision.files.clear();
  revision.facts = {};
}

// The others are shown, and can be gone back to.
Revision unread_revision(const std::string& cluster, const Record& record) {
  Revision revision;
  revision.cluster = cluster;
  revision.number = kinds::parse_number(record.key).value_or(0);
  revision.cause = "cannot be read, nor gone back to";
  return revision;
}
}  // namespace

Result<std::vector<Revision>> list_revisions(const Store& store, const std::string& cluster) {
  std::vector<Revision> revisions;
  const auto records = all_records(store, kinds::revision, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    auto revision = parse_revision(record.value);
    if (!revision) {
      revisions.push_back(unread_revision(cluster, record));
      continue;
    }
    const bool is_first = revisions.empty() || revisions.back().digest.empty();
    revision->cause = cause_of(*revision, is_first ? nullptr : &revisions.back());
    if (!revisions.empty()) drop_content(revisions.back());
    revisions.push_back(std::move(*revision));
  }
  if (!revisions.empty()) drop_content(revisions.back());
  const auto publications = all_records(store, kinds::publication, kinds::prefix_of(cluster));
  if (!publications) return pass(publications.error());
  for (const auto& record : *publications) {
    auto publication = parse_revision(record.value);
    revisions.push_back(publication ? std::move(*publication) : unread_revision(cluster, record));
  }
  std::sort(revisions.begin(), revisions.end(),
            [](const Revision& left, const Revision& right) { return left.number > right.number; });
  return revisions;
}

namespace {
Result<Revision> parse_kept(const Record& record) {
  auto revision = parse_revision(record.value);
  if (revision) return revision;
  return while_doing(
      revision.error(),
      fmt::format(
          "revision '{}': it cannot be read, nor gone back to; take another one of `muster revision list`",
          record.key));
}

Result<Revision> with_files(const Store& store, const std::string& cluster, std::uint64_t number,
                            std::string_view wanted) {
  const auto record = store.get(kinds::revision, kinds::revision_key(cluster, number));
  if (!record && record.error().kind == ErrorKind::not_found)
    return no_such_revision(cluster, wanted);
  if (!record) return pass(record.error());
  return parse_kept(*record);
}
}  // namespace

Result<Revision> find_published(const Store& store, const std::string& cluster,
                                std::string_view wanted) {
  const auto number = find_number(store, cluster, wanted);
  if (!number) return pass(number.error());
  const auto publication = store.get(kinds::publication, kinds::revision_key(cluster, *number));
  if (publication) return parse_kept(*publication);
  if (publication.error().kind != ErrorKind::not_found) return pass(publication.error());
  return with_files(store, cluster, *number, wanted);
}

Result<Revision> find_revision(const Store& store, const std::string& cluster,
                               std::string_view wanted) {
  auto published = find_published(store, cluster, wanted);
  if (!published || published->content == 0) return published;
  return with_files(store, cluster, published->content, wanted);
}

std::vector<CatalogueEntry> releases_of(const Revision& revision) {
  const auto inventory = inventory_of(revision);
  if (!inventory) return {};
  const auto cluster = inventory->clusters.find(revision.cluster);
  if (cluster == inventory->clusters.end()) return {};
  std::vector<InventoryProblem> ignored;
  return ReleaseChoice(cluster->second, revision.facts, netboot_images(*inventory, cluster->second),
                       ignored)
      .all();
}

Result<std::map<std::string, std::string>> manifests_of_revisions(const Store& store) {
  const auto records = all_records(store, kinds::revision);
  if (!records) return pass(records.error());
  std::map<std::string, std::string> manifests;
  std::set<std::string> seen;
  for (const auto& record : *records) {
    const auto revision = parse_revision(record.value);
    if (!revision) continue;                              // nobody can go back to it
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
