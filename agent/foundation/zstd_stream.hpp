// A zstd frame (RFC 8878) that arrives in pieces from whoever sends it, unpacked in memory of a
// fixed size: it is bounded by what was promised, and nothing in it is believed. One frame with the
// magic 28 B5 2F FD is all that is taken, since our server makes no other: no skippable frame, none
// of a format before 1.0, whose windows libzstd does not bound, and no second one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

class ZstdStream {
 public:
  // `largest`: bytes that the content has at most, and the frame too.
  explicit ZstdStream(std::uint64_t largest);
  ~ZstdStream();
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

  using Sink = std::function<Result<void>(std::string_view plain)>;
  // corrupt: it begins otherwise, does not unpack, wants a window of more than 8 MiB, holds more
  // than `largest`, or goes on after its end; the message says what was expected and found. An
  // error of the sink's is passed on. After a failure it is of no use any more.
  [[nodiscard]] Result<void> add(std::string_view coded, const Sink& sink);
  // corrupt: the frame has not ended.
  [[nodiscard]] Result<void> finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The window that a frame's first bytes (18 are enough) ask for; 0: they do not say.
[[nodiscard]] std::uint64_t zstd_window(std::string_view head);

}  // namespace muster
