// Reads user-data, and EC2's instance identity, from where it is, with one budget for everything
// that may be late. Blocking; not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "agent/server.hpp"
#include "agent/sources/user_data_origin.hpp"

namespace muster {

struct MetadataPatience {
  std::chrono::milliseconds total{60000};   // the machine's own network may come after the agent
  std::chrono::milliseconds attempt{5000};  // one call
};

// EC2's are at most 16 KiB, the others are held to 64 KiB.
[[nodiscard]] std::size_t largest_user_data(UserDataDialect dialect);

// Tried again until `patience` is over: silence, an answer that breaks off, 401, 404 (a service
// that starts answers so), 408, 429 and everything from 500 on, after `Retry-After` where it is
// said in seconds. The error names the last answer: kind unavailable. Refused at once: any other
// status, more bytes than allowed, chunks, an answer on GCE without its own header. `note` hears
// once why it waits.
[[nodiscard]] Result<std::string> fetch_user_data(
    const UserDataOrigin& origin, Host& host, Network& network, const MetadataPatience& patience,
    const std::function<void(std::string_view)>& note);

}  // namespace muster
