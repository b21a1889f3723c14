// Who a client certificate belongs to, kept so that a poll of a current document reads no store.
// Fed by the store's feed (kinds "machine", "ban" and "operator"): what a transaction changes of a
// machine or an operator is forgotten before its author hears that it is done; what is known of all
// others stays. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "enrolment/caller.hpp"
#include "store/views.hpp"

namespace muster {

class CallerCache final : public View {
 public:
  explicit CallerCache(std::size_t capacity = 32768) : capacity_(capacity) {}

  // Forgets everybody: each is looked up again when it next asks.
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;

  [[nodiscard]] std::optional<Caller> find(const std::string& certificate_id);
  // As it was looked up last, also of a machine that has changed since (each report may) and is not
  // banned: for whose turn it is, never for what it may do.
  [[nodiscard]] std::optional<Caller> last_known(const std::string& certificate_id);
  // It was looked up, and is nobody any more.
  void forget_certificate(const std::string& certificate_id);
  // How many changes there were. To be taken before the store is read, and given to put(): an
  // answer that was overtaken by a change of this caller is not kept.
  [[nodiscard]] std::uint64_t changes();
  void put(const std::string& certificate_id, const Caller& caller, std::uint64_t changes_before);

 private:
  struct Entry {
    Caller caller;
    std::string text;  // of the caller
    std::uint64_t changes = 0;
  };
  struct Change {
    std::uint64_t number = 0;
    bool is_still_let_in = false;
  };
  [[nodiscard]] bool changed_since(const std::string& caller, std::uint64_t changes) const;
  void note_ban(const std::string& caller, bool is_banned);
  void forget(const std::string& caller, bool is_still_let_in);

  const std::size_t capacity_;
  std::mutex mutex_;
  std::uint64_t changes_ = 0;
  std::uint64_t oldest_ = 0;  // what was read before this many changes may have been overtaken
  std::unordered_map<std::string, Change> changed_;  // by caller: its last one
  std::unordered_set<std::string> banned_;           // callers, since it was loaded
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace muster
