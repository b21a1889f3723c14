// etcd's command line, and how a member starts for the first time. Pure; golden-tested.
#pragma once

#include <string>

#include "document/node_document.hpp"
#include "machine/arguments.hpp"
#include "machine/facts.hpp"

namespace muster {

[[nodiscard]] Arguments etcd_arguments(const NodeDocument& document);

// ETCD_* environment, apart from the arguments because etcd ignores it once the member has data: a
// change of it restarts nothing.
[[nodiscard]] std::string etcd_start_environment(const EtcdStart& start);

}  // namespace muster
