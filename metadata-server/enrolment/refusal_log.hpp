// Who was not let in lately, and why: for `muster explain enrolment`. In memory and bounded, since
// anybody may be refused as often as he likes; a machine that is refused asks again within seconds,
// so that a restart loses nothing for long. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

// One refusal, told once however often it is repeated. Empty where it did not get that far.
struct RefusalNote {
  std::string source;    // the address that it came from
  std::string key;       // fingerprint of the key that it proved
  std::string hostname;  // what it calls itself
  std::string token;     // id of its join token
  std::string asked;     // what the token is for: "pool 'lab/ci'", "cluster 'lab'"
  std::string node;      // "lab/n1": the machine of the inventory that it would be
  std::string instance;  // the EC2 instance whose signed document it brought
  std::string code, message;
  std::int64_t first = 0, last = 0;  // Unix seconds
  std::uint32_t count = 1;
};

inline constexpr std::string_view went_away = "went_away";

class RefusalLog {
 public:
  explicit RefusalLog(std::size_t sources = 512, std::size_t per_source = 8,
                      std::size_t per_node = 16)
      : sources_(sources), per_source_(per_source), per_node_(per_node) {}

  // Longer texts are cut. Beyond the limits the oldest of its source goes; or a source, those that
  // are no machine of the inventory first, then of the network that has most, then the one that was
  // refused longest ago. A flood from one address or network pushes out nobody else's, one that
  // names no machine none of a machine's, and one about a machine no other machine's.
  void add(RefusalNote note);
  // This key was let in.
  void forget(const std::string& source, const std::string& key);
  // A machine that trusts another site cannot say so: it asks for trust and is not heard of again.
  // Told as a refusal of code `went_away` until something from that address goes on.
  void asked_for_trust(const std::string& source, std::int64_t now);
  void went_on(const std::string& source);
  // Whose source, key, host name, instance or node (with or without its cluster) is `name`; the
  // newest last.
  [[nodiscard]] std::vector<RefusalNote> find(std::string_view name) const;
  // Those since `time` (Unix seconds), the newest last.
  [[nodiscard]] std::vector<RefusalNote> since(std::int64_t time) const;
  [[nodiscard]] std::size_t size() const;

 private:
  using Notes = std::list<RefusalNote>;  // of one source, the newest last
  struct Source {
    std::string network;
    Notes notes;
  };
  using Sources = std::map<std::string, Source>;

  // The newest last.
  [[nodiscard]] std::vector<RefusalNote> matching(
      const std::function<bool(const RefusalNote&)>& is_wanted) const;
  [[nodiscard]] Sources::iterator who_gives_way(
      const std::function<bool(const RefusalNote&)>& is_wanted);
  // That one more source may have a note about this machine.
  void make_place_about(const std::string& node);
  // False: every place is of those that come before it.
  [[nodiscard]] bool make_place(const RefusalNote& note);
  void remove(const std::string& source, const std::function<bool(const RefusalNote&)>& is_it);

  std::size_t sources_, per_source_, per_node_;
  mutable std::mutex mutex_;
  Sources kept_;
};

}  // namespace muster
