#include "fleet/known_clusters.hpp"
#include "fleet/kubeconfig.hpp"

#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {
namespace {

Result<KubeconfigOrder> read_order(const Request& request) {
  KubeconfigOrder order;
  auto seconds = static_cast<std::uint32_t>(order.lifetime.count());
  auto read = read_json_body("kubeconfig request", request, [&](JsonObject& root) {
    root.text("cluster", order.cluster);
    root.number("ttlSeconds", seconds, Need::optional);
    root.flag("breakGlass", order.break_glass, Need::optional);
    const auto most = order.break_glass ? longest_break_glass : longest_kubeconfig;
    if (seconds < 60 || std::chrono::seconds(seconds) > most) {
      root.problem("ttlSeconds", fmt::format("expected 60 to {}, found {}", most.count(), seconds));
    }
  });
  if (!read) return pass(read.error());
  order.lifetime = std::chrono::seconds(seconds);
  return order;
}

}  // namespace

Result<Response> post_kubeconfig(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto order = read_order(request);
  if (!order) return pass(order.error());
  if (auto known = check_known(rooms, order->cluster); !known && !caller.restricted)
    return pass(known.error());
  const auto made = issue_kubeconfig(rooms, caller, *order);
  if (!made) return pass(made.error());
  Response response = json_response({{"kubeconfig", made->text}, {"contexts", made->contexts}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace muster::handlers
