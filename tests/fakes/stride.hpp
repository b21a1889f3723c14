// How far apart the cases of a test of hundreds are: every one in the release build, every seventh
// under a sanitizer, where each takes ten times as long and other mistakes are looked for.
#pragma once

namespace muster {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr int stride = 7;
#else
inline constexpr int stride = 1;
#endif
#else
inline constexpr int stride = 1;
#endif

}  // namespace muster
