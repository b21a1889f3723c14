// A store that passes everything on: for fakes that fail at one thing.
#pragma once

#include "store/store.hpp"

namespace muster {

class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(Store& store) : store_(store) {}
  [[nodiscard]] Result<Record> get(std::string_view kind, std::string_view key) const override {
    return store_.get(kind, key);
  }
  [[nodiscard]] Result<std::vector<Record>> list(std::string_view kind, std::string_view prefix,
                                                 std::string_view after,
                                                 std::size_t limit) const override {
    return store_.list(kind, prefix, after, limit);
  }
  [[nodiscard]] Result<std::uint64_t> count(std::string_view kind,
                                            std::string_view prefix) const override {
    return store_.count(kind, prefix);
  }
  [[nodiscard]] Result<std::uint64_t> commit(const Transaction& transaction) override {
    return store_.commit(transaction);
  }
  [[nodiscard]] Result<std::unique_ptr<Watch>> watch(
      std::optional<std::uint64_t> after) const override {
    return store_.watch(after);
  }
  [[nodiscard]] Result<std::uint64_t> snapshot(
      const std::function<Result<void>(const Store& store)>& read) const override {
    return store_.snapshot(read);
  }

 private:
  Store& store_;
};

}  // namespace muster
