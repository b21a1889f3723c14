#include "cli/component_check.hpp"

#include <fmt/format.h>

#include <set>

#include "cli/config_checker.hpp"
#include "cli/named_place.hpp"
#include "cli/rendered_folder.hpp"
#include "document/problem.hpp"
#include "inventory/compilation.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

// More kinds of machines than that are more than anybody waits for.
constexpr std::size_t most_kinds = 64;

void replace_all(std::string& text, const std::string& from, const char* to) {
  if (from.empty()) return;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), to);
}

// Of all that the components read, with what is the machine's own left out.
std::string kind_of(const RenderedMachine& machine) {
  std::string all;
  for (const RenderedFile& file : machine.files) {
    // Routes, hosts: of the other machines.
    if (file.path.starts_with("/etc/muster/")) continue;
    all += file.path + "\n" + file.content + "\n";
  }
  for (const auto& [program, words] : machine.commands)
    all += fmt::format("{} {}\n", program, fmt::join(words, " "));
  replace_all(all, machine.identity.address, "ADDRESS");
  replace_all(all, machine.identity.pod_cidr, "NETWORK");
  replace_all(all, machine.identity.node, "NODE");
  return sha256_digest(all);
}

class ComponentCheck {
 public:
  ComponentCheck(const Inventory& inventory, const std::string& cluster, std::string checker)
      : inventory_(inventory),
        cluster_(inventory.clusters.at(cluster)),
        checker_(std::move(checker)) {}

  void look(const RenderedMachine& machine) {
    if (failure_ || checker_.empty() || kinds_.size() == most_kinds ||
        !kinds_.insert(kind_of(machine)).second)
      return;
    if (auto asked = ask(machine); !asked) failure_ = asked.error();
  }

  Result<std::vector<InventoryProblem>> finish() {
    if (failure_) return pass(*failure_);
    return distinct(std::move(problems_));
  }

 private:
  Result<void> ask(const RenderedMachine& machine) {
    const auto root = MachineRoot::make();
    if (!root) return pass(root.error());
    if (auto written = write_below(root->path(), machine.files); !written) return written;
    for (const auto& [program, words] : machine.commands) {
      if (!is_known_to_checker(program)) continue;
      const auto said = run_config_checker(checker_, root->path(), program, words);
      if (!said) return pass(said.error());
      for (const std::string& text : *said) tell(machine, program, text);
    }
    return {};
  }

  void tell(const RenderedMachine& machine, const std::string& program, const std::string& words) {
    const NamedPlace at = place_named_in(inventory_, cluster_, machine.identity, program, words);
    problems_.push_back(problem_at(
        at.place, at.field,
        fmt::format("what {} {} starts with", program, cluster_.kubernetes_version.value),
        "its words: " + in_ticks(words)));
  }

  const Inventory& inventory_;
  const Cluster& cluster_;
  const std::string checker_;
  std::set<std::string> kinds_;
  std::vector<InventoryProblem> problems_;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::vector<InventoryProblem>> check_components(const Inventory& inventory,
                                                       const std::string& cluster,
                                                       const SiteFacts& facts,
                                                       const std::string& checker) {
  ComponentCheck check(inventory, cluster, checker);
  auto rendered = render_cluster(inventory, cluster, facts,
                                 [&](const RenderedMachine& machine) { check.look(machine); });
  if (!rendered) return std::move(rendered.error());
  return check.finish();
}

}  // namespace muster
