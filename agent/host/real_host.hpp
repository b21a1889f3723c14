// The machine itself, put together once in main.
#pragma once

#include "agent/host/netlink_routes.hpp"
#include "agent/host/posix_clock.hpp"
#include "agent/host/posix_filesystem.hpp"
#include "agent/host/posix_process.hpp"
#include "agent/host/systemd_journal.hpp"
#include "agent/host/systemd_power.hpp"
#include "agent/host/systemd_service_manager.hpp"

namespace muster {

struct RealHost {
  PosixFilesystem files;
  PosixProcess process;
  SystemdServiceManager services;
  PosixClock clock;
  SystemdPower power;
  NetlinkRoutes routes;
  SystemdJournal journal;
  Host host{files, process, services, clock, power, routes, journal};
};

}  // namespace muster
