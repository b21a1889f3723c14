// How each machine comes up, in memory. Fed by the store's feed (kind "boot", and where a
// "document" goes). Only in memory is which script its firmware was last told: that is anybody's
// question, and no reason to write. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "inventory/match.hpp"
#include "records/boot_record.hpp"
#include "store/views.hpp"

namespace muster {

// What a machine's firmware was last told to start.
struct ToldScript {
  std::string image, source;
  std::int64_t at = 0;  // Unix microseconds; 0: nothing since the server's start
};

class BootStates final : public View {
 public:
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  // Where there is none: with its name alone.
  [[nodiscard]] BootRecord find(const NodeName& node) const;
  [[nodiscard]] ToldScript script(const NodeName& node) const;
  // Of a machine that is published: there are no more of them than machines.
  void note_script(const NodeName& node, ToldScript script);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, BootRecord> records_;  // by "cluster/node"
  std::map<std::string, ToldScript> scripts_;  // likewise
};

}  // namespace muster
