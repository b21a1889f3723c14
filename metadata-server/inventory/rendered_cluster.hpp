// What the machines of a cluster would be, without a server: every file and command line that
// agents would make of its documents. Secrets, keys and certificates are the site's, and left out.
// Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "inventory/objects.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

struct RenderedFile {
  std::string path, content, owner;
  std::uint32_t mode = 0644;
};

struct RenderedMachine {
  MachineIdentity identity;
  std::vector<RenderedFile> files;
  std::map<std::string, std::vector<std::string>> commands;  // machine/command_lines
};

// Every problem that compiling has, and what machines would refuse. `take` is given each machine in
// name order, as on one of 4 cores and 8 GiB.
[[nodiscard]] Checked<void> render_cluster(const Inventory& inventory, const std::string& cluster,
                                           const SiteFacts& facts,
                                           const std::function<void(RenderedMachine)>& take);

}  // namespace muster
