// A store that forgets: for tests, and for tools that compile without a server.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "store/store.hpp"

namespace muster {

class MemoryStore final : public Store {
 public:
  [[nodiscard]] Result<Record> get(std::string_view kind, std::string_view key) const override;
  [[nodiscard]] Result<std::vector<Record>> list(std::string_view kind,
                                                 std::string_view prefix = {},
                                                 std::string_view after = {},
                                                 std::size_t limit = 10000) const override;
  [[nodiscard]] Result<std::uint64_t> count(std::string_view kind,
                                            std::string_view prefix = {}) const override;
  [[nodiscard]] Result<void> commit(const Transaction& transaction) override;

 private:
  struct Entry {
    std::string value;
    std::uint64_t version = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Entry> entries_;
  std::uint64_t revision_ = 0;  // of the whole store, so that a version is never reused
};

}  // namespace muster
