// What a person needs to use the operator's API from elsewhere: `muster operator add --out DIR`.
#pragma once

#include <string>

#include "cli/session.hpp"

namespace muster {

// The authorities (PEM) that the server's own certificate is issued by, from the trust list that
// the site key signed: verified by `pin`.
[[nodiscard]] Result<std::string> server_authorities(Session& session, const std::string& pin);

struct OperatorBundle {
  std::string folder;   // made with mode 0700 where it is missing
  std::string request;  // PEM, for the server to sign
};
// The request for `name`: of operator.key in the folder, which is made where it is missing. With
// `request` (PEM) that one: its key is elsewhere, and none is made.
[[nodiscard]] Result<OperatorBundle> begin_bundle(const std::string& folder,
                                                  const std::string& name,
                                                  const std::string& request);
// operator.crt and ca.crt beside the key, under the names that `muster` looks for in
// ~/.config/muster; older ones are replaced.
[[nodiscard]] Result<void> finish_bundle(const OperatorBundle& bundle,
                                         const std::string& certificate,
                                         const std::string& authorities);

}  // namespace muster
