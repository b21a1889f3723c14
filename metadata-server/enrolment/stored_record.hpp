// What the store holds was written by this server: a record that does not parse is damage, never
// the asker's mistake.
#pragma once

#include "result/result.hpp"

namespace muster {

template <class T>
[[nodiscard]] Result<T> as_stored(Result<T> parsed) {
  if (!parsed) parsed.error().kind = ErrorKind::corrupt;
  return parsed;
}

}  // namespace muster
