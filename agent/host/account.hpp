// User and group names of the machine's account database. Thread-safe.
#pragma once

#include <sys/types.h>

#include <string>

#include "result/result.hpp"

namespace muster {

struct Account {
  uid_t user = 0;
  gid_t group = 0;  // the user's primary group
};

// not_found names the user and the cure.
[[nodiscard]] Result<Account> find_account(const std::string& user);
// The number as text where no account has it.
[[nodiscard]] std::string user_name(uid_t user);
[[nodiscard]] std::string group_name(gid_t group);

}  // namespace muster
