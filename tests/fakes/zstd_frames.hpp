// Frames of zstd, good ones and bad ones.
#pragma once

#include <zstd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::frames {

// Text that compresses to about a half and repeats at no distance.
inline std::string text(std::size_t size) {
  std::string made(size, '\0');
  std::uint64_t state = 42;
  for (char& c : made) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>('a' + (state >> 60));
  }
  return made;
}

inline std::string finish(ZSTD_CCtx* context, std::string_view plain) {
  std::string made(ZSTD_compressBound(plain.size()), '\0');
  made.resize(ZSTD_compress2(context, made.data(), made.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  return made;
}

// As the server makes it; `window_log` where it is to be another one, as far as the content fills
// it.
inline std::string compress(std::string_view plain, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
  if (window_log != 0) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  return finish(context, plain);
}

// So many of nothing, in a few thousand bytes for each gigabyte.
inline std::string zeros(std::uint64_t count) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string made;
  std::string buffer(ZSTD_CStreamOutSize(), '\0');
  const std::string piece(1u << 20, '\0');
  for (std::uint64_t done = 0; done < count; done += piece.size()) {
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    const auto end = done + piece.size() >= count ? ZSTD_e_end : ZSTD_e_continue;
    for (std::size_t left = 1; left != 0 && (end == ZSTD_e_end || input.pos < input.size);) {
      ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
      left = ZSTD_compressStream2(context, &output, &input, end);
      made.append(buffer.data(), output.pos);
    }
  }
  ZSTD_freeCCtx(context);
  return made;
}

}  // namespace muster::frames
