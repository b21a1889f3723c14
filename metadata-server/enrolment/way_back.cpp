#include "enrolment/way_back.hpp"

#include "records/pool_member.hpp"

namespace muster {

Result<std::string> way_back(const EnrolmentContext& context, const NodeName& node) {
  const auto member = find_member(context.store, node.cluster, node.node);
  if (!member) return pass(member.error());
  const auto role = context.inventory()->role_of(node);
  if (!*member && !role) return std::string();
  const std::string whose = *member ? "--pool " + (*member)->record.pool
                                    : fmt::format("--node {} --role {}", node.node, name(*role));
  return fmt::format(
      "`muster node replace {1} --cluster {0}`, then `muster token create --cluster {0} {2}`, that token into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`",
      node.cluster, node.node, whose);
}

}  // namespace muster
