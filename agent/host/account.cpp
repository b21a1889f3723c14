#include "agent/host/account.hpp"

#include <grp.h>
#include <pwd.h>

#include <vector>

namespace muster {

Result<Account> find_account(const std::string& user) {
  if (user == "root") return Account{};
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  const int error = getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return fail_errno(error, fmt::format("looking up user '{}'", user));
  if (found == nullptr) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "user '{}': no such account on this machine; run systemd-sysusers, or name another owner in the document",
            user));
  }
  return Account{entry.pw_uid, entry.pw_gid};
}

std::string user_name(uid_t user) {
  if (user == 0) return "root";
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::to_string(user);
  }
  return entry.pw_name;
}

std::string group_name(gid_t group) {
  if (group == 0) return "root";
  std::vector<char> buffer(16384);
  struct group entry {};
  struct group* found = nullptr;
  if (getgrgid_r(group, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::to_string(group);
  }
  return entry.gr_name;
}

}  // namespace muster
