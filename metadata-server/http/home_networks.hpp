// From which networks machines and operators come, across the event threads of one listener: the
// one from which each certificate's name came last. Thread-safe.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

namespace muster {

class HomeNetworks {
 public:
  // `identity`: whose certificate it is, whichever of its certificates. One that comes from many
  // networks has one of them.
  void came_from(const std::string& identity, const std::string& network);
  [[nodiscard]] bool is_home(const std::string& network);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::string> network_of_;     // by identity
  std::unordered_map<std::string, std::size_t> identities_of_;  // by network
};

}  // namespace muster
