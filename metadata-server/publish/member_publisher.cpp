#include "publish/member_publisher.hpp"

#include <fmt/format.h>

namespace muster {

Result<bool> MemberPublisher::publish(const std::string& cluster, const std::string& node,
                                      const std::string& key) {
  const std::string member = fmt::format("{}/{}/{}", cluster, node, key);
  const std::lock_guard lock(mutex_);
  if (is_served(cluster, node)) {
    waiting_.erase(member);
    return true;
  }
  if (waiting_.contains(member)) return false;
  const auto published = republish(context_, cluster, fmt::format("member {}/{}", cluster, node));
  if (!published) {
    const auto& [error, problems] = published.error();
    return fail(ErrorKind::unavailable,
                fmt::format("machine '{}/{}': its cluster cannot be published: {}{}{}", cluster,
                            node, error.message, problems.empty() ? "" : "\n", to_text(problems)));
  }
  if (is_served(cluster, node)) return true;
  waiting_.insert(member);
  return false;
}

}  // namespace muster
