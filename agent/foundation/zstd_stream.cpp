#include "agent/foundation/zstd_stream.hpp"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

namespace muster {
namespace {

constexpr int largest_window_log = 23;  // what the server keeps to (artifact/artifact_encoding.cpp)
constexpr std::size_t head_size = 18;
constexpr std::string_view magic = "\x28\xb5\x2f\xfd";
// Magic, descriptor and the window's byte. No frame is shorter than 9 bytes.
constexpr std::size_t held_back = 6;

tl::unexpected<Error> bad_frame(std::string message) {
  return fail(ErrorKind::corrupt, std::move(message));
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += fmt::format("{}{:02X}", text.empty() ? "" : " ", static_cast<unsigned char>(c));
  }
  return text;
}

}  // namespace

struct ZstdStream::State {
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context{ZSTD_createDCtx(), ZSTD_freeDCtx};
  std::string buffer = std::string(ZSTD_DStreamOutSize(), '\0');
  std::string head;  // the frame's first bytes, to say what was wrong with them
  std::uint64_t largest = 0, coded = 0, plain = 0;
  bool has_ended = false;

  Result<void> unpack(std::string_view bytes, const Sink& sink);
  [[nodiscard]] tl::unexpected<Error> refusal(std::size_t code) const {
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
      return bad_frame(fmt::format("expected a zstd window of at most {} bytes, found {}",
                                   std::uint64_t{1} << largest_window_log, zstd_window(head)));
    }
    return bad_frame(
        fmt::format("expected a zstd frame, found one that does not unpack after {} bytes ({})",
                    plain, ZSTD_getErrorName(code)));
  }
};

ZstdStream::ZstdStream(std::uint64_t largest) : state_(std::make_unique<State>()) {
  state_->largest = largest;
  ZSTD_DCtx_setParameter(state_->context.get(), ZSTD_d_windowLogMax, largest_window_log);
}
ZstdStream::~ZstdStream() = default;

Result<void> ZstdStream::add(std::string_view coded, const Sink& sink) {
  State& state = *state_;
  state.coded += coded.size();
  const std::size_t known = state.head.size();
  if (known < head_size) state.head += coded.substr(0, head_size - known);
  if (state.coded > state.largest) {
    return bad_frame(fmt::format("expected at most {} bytes of zstd, found more", state.largest));
  }
  if (state.head.size() < held_back) return {};
  if (known < held_back) {
    // libzstd may know formats from before 1.0, whose windows have no bound: it sees none of them.
    const std::string_view head = std::string_view(state.head).substr(0, held_back);
    if (!head.starts_with(magic)) {
      return bad_frame(fmt::format("expected a zstd frame (it begins with {}), found {}",
                                   hex_of(magic), hex_of(head.substr(0, magic.size()))));
    }
    coded.remove_prefix(held_back - known);
    if (auto unpacked = state.unpack(head, sink); !unpacked) return unpacked;
  }
  return state.unpack(coded, sink);
}

Result<void> ZstdStream::State::unpack(std::string_view bytes, const Sink& sink) {
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  bool has_more = false;  // output that did not fit
  while (input.pos < input.size || has_more) {
    // Not even the magic of another frame reaches the library.
    if (has_ended) return bad_frame("expected one zstd frame, found bytes after its end");
    ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(left) != 0) return refusal(left);
    has_ended = left == 0;
    has_more = !has_ended && output.pos == output.size;
    plain += output.pos;
    if (plain > largest) {
      return bad_frame(fmt::format("expected {} bytes, found more", largest));
    }
    if (auto taken = sink(std::string_view(buffer.data(), output.pos)); !taken) return taken;
  }
  return {};
}

Result<void> ZstdStream::finish() const {
  if (state_->has_ended) return {};
  return bad_frame(fmt::format(
      "expected the end of a zstd frame, found that of the answer after {} bytes", state_->plain));
}

// RFC 8878 3.1.1.1.
std::uint64_t zstd_window(std::string_view head) {
  const auto byte = [&](std::size_t at) -> std::uint64_t {
    return at < head.size() ? static_cast<unsigned char>(head[at]) : 0;
  };
  if (head.size() < 6) return 0;
  const auto descriptor = byte(4);
  const bool is_single_segment = (descriptor & 0x20u) != 0;
  if (!is_single_segment) {
    const std::uint64_t base = std::uint64_t{1} << (10 + (byte(5) >> 3));
    return base + base / 8 * (byte(5) & 7u);
  }
  constexpr std::size_t dictionary_sizes[] = {0, 1, 2, 4};
  const std::size_t begin = 5 + dictionary_sizes[descriptor & 3u];
  const auto size = std::size_t{1} << (descriptor >> 6);
  std::uint64_t content = 0;
  for (std::size_t i = 0; i < size; ++i) content |= byte(begin + i) << (8 * i);
  return size == 2 ? content + 256 : content;
}

}  // namespace muster
