#include "agent/goodbye.hpp"

#include "agent/host/observe.hpp"
#include "agent/tell_once.hpp"

namespace muster {

bool say_goodbye(Host& host, Network& network, const Settings& settings,
                 const std::function<void(std::string_view)>& narrate) {
  if (observe(host.files, {}).boot_image.empty()) return false;
  Memory memory;
  const auto answer =
      tell_once(host, network, settings, memory, [](Report& last) { last.is_stopping = true; });
  narrate(answer ? "the server was told that this machine goes down"
                 : "the server could not be told that this machine goes down");
  return answer.has_value();
}

}  // namespace muster
