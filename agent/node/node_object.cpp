#include "agent/node/node_object.hpp"

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

constexpr std::int64_t first_restart_pause = 30, longest_restart_pause = 1920,
                       restarts_forgotten_after = 7200;  // seconds

bool are_forgotten(const NodeRestarts& restarts, std::int64_t now) {
  return now < restarts.at || now - restarts.at > restarts_forgotten_after;
}

}  // namespace

std::chrono::seconds until_node_restart(const NodeRestarts& restarts, std::int64_t now) {
  if (restarts.count <= 0 || are_forgotten(restarts, now)) return std::chrono::seconds(0);
  const int doublings = std::min(restarts.count - 1, 10);
  const std::int64_t pause = std::min(first_restart_pause << doublings, longest_restart_pause);
  return std::chrono::seconds(std::max<std::int64_t>(0, restarts.at + pause - now));
}

NodeRestarts with_node_restart(const NodeRestarts& restarts, std::int64_t now) {
  return {are_forgotten(restarts, now) ? 1 : restarts.count + 1, now};
}

std::optional<std::chrono::nanoseconds> process_start(std::string_view stat) {
  // The second field is a name in parentheses, in which anything may stand.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + 1);
  for (int field = 2; field < 22; ++field) {
    const std::size_t space = stat.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(space + 1);
  }
  std::int64_t ticks = 0;
  const auto read = std::from_chars(stat.data(), stat.data() + stat.size(), ticks);
  if (read.ec != std::errc()) return std::nullopt;
  return std::chrono::milliseconds(ticks * 10);  // USER_HZ is 100
}

std::optional<std::chrono::nanoseconds> process_age(const Host& host, std::uint32_t pid) {
  const auto text = host.files.read(fmt::format("/proc/{}/stat", pid));
  const auto started = text ? process_start(*text) : std::nullopt;
  if (!started) return std::nullopt;
  return host.clock.since_boot() - *started;
}

bool is_peer(const PeerList& peers, const std::string& node) {
  return std::any_of(peers.peers.begin(), peers.peers.end(),
                     [&](const PeerEntry& peer) { return peer.name == node; });
}

}  // namespace muster
