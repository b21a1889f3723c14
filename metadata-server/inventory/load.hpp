// YAML texts -> Inventory. Pure but for read_folder. Never throws, never stops at the first
// mistake: syntax, fields, references between objects and clashes (names, addresses, networks,
// matches) are told together. What needs the server's knowledge (versions, secrets) is compile's
// part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "inventory/component_options.hpp"
#include "inventory/objects.hpp"
#include "result/result.hpp"

namespace muster {

inline constexpr std::size_t maximum_inventory_file = 1u << 20;    // bytes
inline constexpr std::size_t maximum_inventory_total = 64u << 20;  // bytes
inline constexpr std::size_t maximum_inventory_values = 4u << 20;  // YAML values in all files
inline constexpr int maximum_inventory_depth = 32;

// Path relative to the folder, with '/' -> text. What `apply` sends.
using InventoryFiles = std::map<std::string, std::string>;

// Every *.yaml and *.yml file is an inventory file (several documents per file) but those that an
// addon's manifestFile names. Anchors, aliases and tags are refused: a text of a kilobyte must not
// become a gigabyte.
//
// `rules`: what was stored by an earlier version has warnings where it breaks what is a rule by
// now.
//
// `releases`: the flags of those that are at hand (component_options).
enum class Rules { today, stored };
[[nodiscard]] Checked<Inventory> load(const InventoryFiles& files, Rules rules = Rules::today,
                                      const ReleaseFlags& releases = {});

// The same of what was accepted once, by an earlier program perhaps: what can be read of it, with
// what load() would refuse. What is refused is left out, so nothing is to be published from it.
struct ToleratedInventory {
  Inventory inventory;
  std::vector<InventoryProblem> problems;
};
[[nodiscard]] ToleratedInventory load_tolerantly(const InventoryFiles& files);
// What earlier loads read in files that have neither a mistake nor a Cluster, by their bytes: of
// ten thousand nodes in many files, the next load reads the one that changed. Never wrong, may be
// empty. Not thread-safe.
struct FileObjects {
  std::vector<Profile> profiles;
  std::vector<Node> nodes;
  std::vector<NodePool> pools;
  std::size_t values = 0;       // YAML values in it
  std::uint64_t last_load = 0;  // that had this file
};
struct KnownFiles {
  std::map<std::string, FileObjects> files;  // by digest of name and text
  std::uint64_t loads = 0;
};
[[nodiscard]] Checked<Inventory> load(const InventoryFiles& files, KnownFiles& known,
                                      Rules rules = Rules::today,
                                      const ReleaseFlags& releases = {});

// Reads every *.yaml and *.yml file below `folder`, hidden ones and links out of it left out.
// not_found: no such folder. invalid: no such file in it, or more than the limits. io: unreadable.
[[nodiscard]] Result<InventoryFiles> read_folder(const std::string& folder);

}  // namespace muster
