// What the components themselves say of the files and arguments that machines would be given, by
// the release config-checker, which is linked to their own validation.
#pragma once

#include <string>
#include <vector>

#include "inventory/rendered_cluster.hpp"

namespace muster {

// Each kind of machine is asked for once; machines that differ in names and addresses alone are of
// one. Their words stand at the line that they name, else at the machine's or the cluster's.
// `checker`: "" asks none. Problems of rendering are among the answer. io: the checker failed, or
// gave no answer in time.
[[nodiscard]] Result<std::vector<InventoryProblem>> check_components(const Inventory& inventory,
                                                                     const std::string& cluster,
                                                                     const SiteFacts& facts,
                                                                     const std::string& checker);

}  // namespace muster
