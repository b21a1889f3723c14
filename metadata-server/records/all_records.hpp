// Every record below a prefix, page by page. Not one instant of the store: guard what follows from
// it by a version.
#pragma once

#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace muster {

[[nodiscard]] Result<std::vector<Record>> all_records(const Store& store, std::string_view kind,
                                                      std::string_view prefix = {});

}  // namespace muster
