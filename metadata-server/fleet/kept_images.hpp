// Which netboot images a cluster may go back to: those that a kept revision of its inventory
// chooses. Read once for each publication, and only when it is asked for. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "document/node_document.hpp"
#include "store/store.hpp"

namespace muster {

struct Fleet;

class KeptImages {
 public:
  // `image`: "image-tower/20261202.050000". Nothing: no kept revision has it, or they cannot be
  // read.
  [[nodiscard]] std::optional<ReleaseReference> find(const Fleet& fleet, const std::string& cluster,
                                                     const std::string& image);

 private:
  using Images = std::map<std::string, ReleaseReference>;  // by "name/version"
  struct Kept {
    std::uint64_t revision_number = 0;  // of the publication with which they were read
    Images images;
  };
  std::mutex mutex_;
  std::map<std::string, Kept> clusters_;  // those that somebody was to go back in
};

}  // namespace muster
