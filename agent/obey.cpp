#include "agent/obey.hpp"

#include <fmt/format.h>

#include "agent/paths.hpp"
#include "agent/reset.hpp"

namespace muster {
namespace {

constexpr const char* reset_unit = "muster-reset.service";

}  // namespace

Result<void> obey(const Tombstone& tombstone, bool is_news, Host& host,
                  const std::function<void(std::string_view)>& narrate) {
  narrate(to_text(tombstone));
  if (tombstone.on_delete == OnDelete::keep) return {};
  if (tombstone.on_delete == OnDelete::reset) {
    // The checkpoint is the last that a reset removes.
    if (const auto left = host.files.status(paths::checkpoint); !left) {
      if (left.error().kind == ErrorKind::not_found) return {};
      return pass(left.error());
    }
    return host.services.start({reset_unit}, std::chrono::minutes(10));
  }
  if (!is_news) {
    narrate(fmt::format(
        "in {} minutes; to use this machine again, before that: muster-agent reset --yes",
        time_to_log_in.count()));
    host.clock.sleep(time_to_log_in);
  }
  if (auto ended = end_pods(host); !ended) narrate(ended.error().message);
  return host.power.power_off();
}

}  // namespace muster
