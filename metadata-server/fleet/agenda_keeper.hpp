// Does what the agenda says is due (records/agenda): one tick after the other, by one thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fleet/fleet.hpp"
#include "fleet/on_demand.hpp"
#include "records/agenda.hpp"

namespace muster {

class AgendaKeeper {
 public:
  // `warn` is called once per warning, after it was written down; it must not wait. `quarantine`:
  // how long the places of removed members are held.
  AgendaKeeper(const Fleet& fleet, std::chrono::seconds quarantine,
               std::function<void(const OnDemandCluster&)> warn)
      : fleet_(fleet), quarantine_(quarantine), warn_(std::move(warn)) {}

  // Costs one read where nothing is due. What fails is logged and tried again half a minute later;
  // what else is due does not wait for it. An error: the store does not answer.
  [[nodiscard]] Result<void> tick();

 private:
  [[nodiscard]] Result<void> carry_out(const AgendaRow& row);
  [[nodiscard]] Result<void> advance_cluster(const AgendaRow& row);
  [[nodiscard]] Result<void> end_member(const AgendaRow& row);
  [[nodiscard]] Result<void> release_members(const AgendaRow& row);

  const Fleet& fleet_;
  std::chrono::seconds quarantine_;
  std::function<void(const OnDemandCluster&)> warn_;
  std::map<std::string, std::int64_t> failed_;  // "what name" -> when to try again, Unix seconds
};

}  // namespace muster
