// User-data of Muster together with the operator's own: one MIME message that cloud-init takes
// apart again. Ours comes last and adds to lists such as runcmd, so that nothing of theirs is lost.
// Source: cloud-init's "User data formats" and "Merging user data sections"; RFC 2046, 5.1.
// Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct UserDataPart {
  std::string name;  // its file, as messages say it
  std::string
      text;  // begins with #cloud-config, #! or what else cloud-init knows, or is MIME itself
};
// invalid: every part whose first line cloud-init would not know, or that is not UTF-8.
[[nodiscard]] Result<std::string> with_parts(const std::string& ours,
                                             const std::vector<UserDataPart>& parts);

}  // namespace muster
