#include "agent/foundation/accounts.hpp"

#include "agent/paths.hpp"
#include "machine/desired_state.hpp"

namespace muster {

std::string reason_to_make_account(const Filesystem& files, const std::string& name) {
  if (name != etcd_user) return {};
  const auto accounts = files.read("/etc/passwd");
  if (accounts && ("\n" + *accounts).find("\n" + name + ":") != std::string::npos) return {};
  return "missing";
}

Result<void> make_account(Process& process, const std::string& name) {
  ProcessRequest request;
  request.arguments = {"/usr/bin/systemd-sysusers", "--inline",
                       fmt::format("u {} - \"{} of Muster\" {}", name, name, paths::etcd_data)};
  const auto made = process.run(request);
  if (!made) return while_doing(made.error(), fmt::format("making the account '{}'", name));
  if (made->exit_status != 0) {
    return fail(ErrorKind::io,
                fmt::format("making the account '{}': systemd-sysusers ended with status {}: {}",
                            name, made->exit_status, made->error));
  }
  return {};
}

}  // namespace muster
