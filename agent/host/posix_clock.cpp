#include "agent/host/posix_clock.hpp"

#include <algorithm>
#include <ctime>
#include <thread>

#include "agent/host/notify.hpp"

namespace muster {

std::chrono::system_clock::time_point PosixClock::now() const {
  return std::chrono::system_clock::now();
}

std::chrono::nanoseconds PosixClock::since_boot() const {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void PosixClock::sleep(std::chrono::milliseconds duration) {
  const auto end = since_boot() + duration;
  do {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - since_boot());
    const auto slice =
        std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(5000));
    notify_alive(slice);
    std::this_thread::sleep_for(slice);
  } while (since_boot() < end);
}

}  // namespace muster
