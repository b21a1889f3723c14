// What a publication rests on besides its own cluster, held until it is committed: whoever removes
// a release or a secret meanwhile and the publication cannot both win.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "document/node_document.hpp"
#include "store/store.hpp"

namespace muster {

// The releases and secrets that documents name.
struct NamedContent {
  std::map<std::pair<std::string, std::string>, std::string> releases;  // -> manifest digest
  std::set<std::pair<std::string, std::uint64_t>> secrets;              // name, version

  void add(const MachineConfig& config);
};

// Each is in the store, or made by `transaction` itself; the commit fails where one goes meanwhile.
// conflict: some are not there, each with its cure; `what`: "revision 1" needs them.
[[nodiscard]] Result<void> expect_available(const Store& store, const std::string& cluster,
                                            const std::string& what, const NamedContent& named,
                                            Transaction& transaction);

// The other side, before it looks at who uses what: the commit fails where any cluster is published
// meanwhile, also one that was not there yet.
[[nodiscard]] Result<void> expect_no_publication(const Store& store, Transaction& transaction);
// A cluster's first publication moves what expect_no_publication expects of clusters to come.
void tell_first_publication(Transaction& transaction);

}  // namespace muster
