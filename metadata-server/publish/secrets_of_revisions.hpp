// What going back to a revision needs of secrets: each is pinned to the version that it had then.
// One that was removed is gone for good; set anew, it is the newest that is taken.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "inventory/site_facts.hpp"
#include "store/store.hpp"

namespace muster {

// By number, the secrets that the machines of each kept revision of an operator name and of which
// `asked` says so. One that this program refuses cannot be gone back to, and needs nothing.
[[nodiscard]] Result<std::map<std::uint64_t, std::vector<std::string>>> secrets_of_revisions(
    const Store& store, const std::string& cluster,
    const std::function<bool(const std::string& name)>& asked);
// The same of those that are not there now.
[[nodiscard]] Result<std::map<std::uint64_t, std::vector<std::string>>> missing_secrets(
    const Store& store, const std::string& cluster);

// The versions to go back to: as the revision had them, and of today where they were removed and
// set anew, which `notes` tells.
[[nodiscard]] Result<std::map<std::string, std::uint64_t>> secrets_to_go_back_to(
    const Store& store, const std::string& cluster,
    const std::map<std::string, std::uint64_t>& then,
    const std::map<std::string, std::uint64_t>& today, std::vector<std::string>& notes);

}  // namespace muster
