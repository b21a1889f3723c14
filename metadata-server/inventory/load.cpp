#include "inventory/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "document/problem.hpp"
#include "inventory/check.hpp"
#include "inventory/check_settings.hpp"
#include "inventory/empty_fields.hpp"
#include "inventory/later_rules.hpp"
#include "inventory/read_objects.hpp"
#include "inventory/schema_tree.hpp"
#include "inventory/suggest.hpp"
#include "inventory/validate_fields.hpp"
#include "inventory/yaml_reader.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

// Files that so many loads did not have are forgotten.
constexpr std::uint64_t forgotten_after = 8;
// Past this many, more lines help nobody.
constexpr std::size_t most_problems = 1000;

class Loader {
 public:
  Loader(const InventoryFiles& files, KnownFiles& known, Rules rules, const ReleaseFlags& releases)
      : files_(files), known_(known), rules_(rules), releases_(releases) {}

  ToleratedInventory load() {
    if (!check_sizes()) return {{}, std::move(problems_)};
    ++known_.loads;
    read_files();
    std::erase_if(known_.files, [&](const auto& entry) {
      return entry.second.last_load + forgotten_after < known_.loads;
    });
    sort_and_check_names(inventory_.nodes);
    sort_and_check_names(inventory_.pools);
    if (is_empty_ && problems_.empty())
      report({}, "", "at least one Cluster", "no object in any file");
    check_inventory(inventory_, complete_, problems_);
    auto later = check_later_rules(inventory_);
    check_settings(inventory_, releases_, later, inventory_.warnings);
    later.insert(later.end(), later_.begin(), later_.end());
    auto& told = rules_ == Rules::today ? problems_ : inventory_.warnings;
    told.insert(told.end(), later.begin(), later.end());
    return {std::move(inventory_), finish()};
  }

 private:
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  bool check_sizes() {
    std::size_t total = 0;
    for (const auto& [name, text] : files_) {
      total += text.size();
      if (text.size() > maximum_inventory_file)
        report({std::make_shared<const std::string>(escaped(name)), 0, 0}, "",
               fmt::format("at most {} bytes", maximum_inventory_file),
               fmt::format("{}", text.size()), "split the file");
    }
    if (total > maximum_inventory_total)
      report({}, "", fmt::format("at most {} bytes in all files", maximum_inventory_total),
             fmt::format("{}", total));
    return problems_.empty();
  }

  void read_files() {
    std::map<std::string, YamlFile> read;
    std::map<std::string, std::string> digests;  // by name
    std::vector<std::string> manifests;
    std::size_t values_left = maximum_inventory_values;
    for (const auto& [name, text] : files_) {
      const std::string& digest = digests[name] = sha256_digest(name + "\n" + text);
      if (const auto found = known_.files.find(digest); found != known_.files.end()) {
        found->second.last_load = known_.loads;
        values_left -= std::min(values_left, found->second.values);
        continue;
      }
      YamlFile& file = read[name] = read_yaml(name, text, values_left);
      for (const Value& document : file.documents) collect_manifest_files(document, manifests);
    }
    const std::set<std::string> is_manifest(manifests.begin(), manifests.end());
    for (const auto& [name, digest] : digests) {
      if (const auto found = read.find(name); found != read.end())
        take_file(found->second, digest, is_manifest.contains(name));
      else if (!is_manifest.contains(name))
        take_objects(known_.files.at(digest));
    }
  }

  void take_objects(const FileObjects& file) {
    is_empty_ = false;
    for (const Profile& profile : file.profiles) add(inventory_.profiles, profile);
    inventory_.nodes.insert(inventory_.nodes.end(), file.nodes.begin(), file.nodes.end());
    inventory_.pools.insert(inventory_.pools.end(), file.pools.begin(), file.pools.end());
  }

  void take_file(YamlFile& file, const std::string& digest, bool is_manifest) {
    // A manifest may use all of YAML; only what nobody can read is a mistake here.
    if (is_manifest && file.complete) return;
    problems_.insert(problems_.end(), file.problems.begin(), file.problems.end());
    const std::size_t later = later_.size();
    // Of what cannot be read to its end, that alone is told.
    if (!is_manifest && file.complete)
      later_.insert(later_.end(), file.later.begin(), file.later.end());
    complete_ = complete_ && file.complete;
    if (is_manifest) return;
    const std::size_t problems = problems_.size(), nodes = inventory_.nodes.size(),
                      pools = inventory_.pools.size();
    bool has_cluster = false;
    FileObjects objects;
    for (Value& document : file.documents) {
      is_empty_ = false;
      objects.values += count_values(document);
      const Value* kind = document.find("kind");
      has_cluster = has_cluster || (kind != nullptr && kind->scalar == "Cluster");
      take_document(document);
      if (kind != nullptr && kind->scalar == "Profile")
        objects.profiles.push_back(read_profile(document));
    }
    if (has_cluster || !file.problems.empty() || problems_.size() != problems ||
        later_.size() != later)
      return;
    objects.nodes.assign(inventory_.nodes.begin() + static_cast<std::ptrdiff_t>(nodes),
                         inventory_.nodes.end());
    objects.pools.assign(inventory_.pools.begin() + static_cast<std::ptrdiff_t>(pools),
                         inventory_.pools.end());
    objects.last_load = known_.loads;
    known_.files[digest] = std::move(objects);
  }

  static std::size_t count_values(const Value& value) {
    std::size_t count = 1;
    for (const Value& item : value.items) count += count_values(item);
    for (const auto& [name, field] : value.fields) count += count_values(field);
    return count;
  }

  void take_document(Value& document) {
    const Value* kind = document.find("kind");
    const SchemaNode* schema = kind == nullptr ? nullptr : kind_schema(*kind);
    if (schema == nullptr) {
      complete_ = false;
      refuse_kind(document, kind);
      return;
    }
    const std::string name = kind->scalar;
    check_empty_fields(document, *schema, "", later_);
    validate_fields(document, *schema, "", problems_);
    if (document.find_path("metadata.name") == nullptr) complete_ = false;
    if (name == "Cluster") add(inventory_.clusters, read_cluster(document, files_, problems_));
    if (name == "Profile") add(inventory_.profiles, read_profile(document));
    if (name == "Node") inventory_.nodes.push_back(read_node(document));
    if (name == "NodePool") inventory_.pools.push_back(read_node_pool(document));
  }

  static const SchemaNode* kind_schema(const Value& kind) {
    const bool known = std::find(kinds().begin(), kinds().end(), kind.scalar) != kinds().end();
    return known ? schema_of(kind.scalar) : nullptr;
  }

  void refuse_kind(const Value& document, const Value* kind) {
    const std::string expected = "'Cluster', 'Profile', 'Node' or 'NodePool'";
    if (document.kind != Value::Kind::map)
      report(document.place, "", "an object with apiVersion, kind, metadata and spec",
             found_text(document));
    else if (kind == nullptr)
      report(document.place, "kind", expected, "nothing");
    else
      report(kind->place, "kind", expected, found_text(*kind), did_you_mean(kind->scalar, kinds()));
  }

  template <class Object>
  void add(std::map<std::string, Object>& objects, Object object) {
    if (object.name.value.empty()) return;
    const std::string name = object.name.value;
    const Place place = object.name.place;
    const auto [slot, added] = objects.try_emplace(name, std::move(object));
    if (!added) refuse_taken(place, name, slot->second.name.place);
  }

  void refuse_taken(const Place& place, const std::string& name, const Place& other) {
    report(place, "metadata.name", "a name that is not taken", in_ticks(name),
           fmt::format("{} has it", to_text(other)));
  }

  template <class Object>
  void sort_and_check_names(std::vector<Object>& objects) {
    std::stable_sort(objects.begin(), objects.end(), [](const Object& left, const Object& right) {
      return std::tie(left.cluster.value, left.name.value) <
             std::tie(right.cluster.value, right.name.value);
    });
    for (std::size_t index = 1; index < objects.size(); ++index) {
      const Object& before = objects[index - 1];
      const Object& object = objects[index];
      const bool same = !object.name.value.empty() && before.name.value == object.name.value &&
                        before.cluster.value == object.cluster.value;
      if (same) refuse_taken(object.name.place, object.name.value, before.name.place);
    }
  }

  std::vector<InventoryProblem> finish() {
    sort_by_place(problems_);
    if (problems_.size() > most_problems) {
      const std::size_t left_out = problems_.size() - most_problems;
      problems_.resize(most_problems);
      report({}, "", fmt::format("at most {} problems", most_problems),
             fmt::format("{} more", left_out));
    }
    return std::move(problems_);
  }

  const InventoryFiles& files_;
  KnownFiles& known_;
  const Rules rules_;
  const ReleaseFlags& releases_;
  bool is_empty_ = true;
  Inventory inventory_;
  std::vector<InventoryProblem> problems_;
  std::vector<InventoryProblem> later_;  // of rules that came later, by single files
  bool complete_ = true;
};

}  // namespace

Checked<Inventory> load(const InventoryFiles& files, Rules rules, const ReleaseFlags& releases) {
  KnownFiles none;
  return load(files, none, rules, releases);
}

Checked<Inventory> load(const InventoryFiles& files, KnownFiles& known, Rules rules,
                        const ReleaseFlags& releases) {
  ToleratedInventory read = Loader(files, known, rules, releases).load();
  if (read.problems.empty()) return std::move(read.inventory);
  return tl::unexpected(std::move(read.problems));
}

ToleratedInventory load_tolerantly(const InventoryFiles& files) {
  KnownFiles none;
  return Loader(files, none, Rules::stored, {}).load();
}

namespace {
// The objects of one cluster, which stand together.
template <class Object>
std::vector<const Object*> objects_of(const std::vector<Object>& objects,
                                      const std::string& cluster) {
  const auto before = [](const Object& object, const std::string& name) {
    return object.cluster.value < name;
  };
  std::vector<const Object*> found;
  for (auto at = std::lower_bound(objects.begin(), objects.end(), cluster, before);
       at != objects.end() && at->cluster.value == cluster; ++at)
    found.push_back(&*at);
  return found;
}
}  // namespace

std::vector<const Node*> nodes_of(const Inventory& inventory, const std::string& cluster) {
  return objects_of(inventory.nodes, cluster);
}

std::vector<const NodePool*> pools_of(const Inventory& inventory, const std::string& cluster) {
  return objects_of(inventory.pools, cluster);
}

}  // namespace muster
