// bring-release NAME VERSION MANIFEST-DIGEST SOURCE...: brings one release as the agent does.
// Standard error says why not, standard output how much memory it took at most, in KiB.
#include <fmt/format.h>

#include <fstream>
#include <string>

#include "agent/foundation/artifacts.hpp"
#include "agent/host/posix_clock.hpp"
#include "agent/host/posix_filesystem.hpp"
#include "agent/session/real_network.hpp"
#include "fakes/fake_host.hpp"

int main(int count, char** arguments) {
  using namespace muster;
  if (count < 5) return 2;
  const ReleaseReference release{arguments[1], arguments[2], arguments[3], 0};
  const std::vector<std::string> sources(arguments + 4, arguments + count);
  PosixFilesystem files;
  FakeProcess process;
  FakeServiceManager services;
  PosixClock clock;
  FakePower power;
  FakeRoutes routes;
  FakeJournal journal;
  Host host{files, process, services, clock, power, routes, journal};
  RealNetwork network;
  Checkpoint checkpoint;
  const auto brought = bring_releases(host, network, checkpoint, {release}, sources);
  // The largest of this program alone; getrusage counts that of whoever forked it too.
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:" && status >> word) fmt::print("{}\n", word);
  }
  if (brought) return 0;
  fmt::print(stderr, "{}\n", brought.error().message);
  return 1;
}
