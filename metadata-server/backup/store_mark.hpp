// A second place beside the store that knows how far it came, so that an older copy put in its
// place is not served as if nothing had happened: generations would be given twice. One small file;
// it notes the moment it was made itself, by which a copy of it is told from the one that was
// written.
#pragma once

#include <cstdint>
#include <string>

#include "store/store.hpp"

namespace muster {

class StoreMark {
 public:
  // For a server that starts: once the store agrees with its mark, the start is noted in both. A
  // store of an earlier program gets its first mark. conflict: the store is a copy, or older than
  // the mark; with the cure.
  [[nodiscard]] static Result<StoreMark> open(Store& store, const std::string& path);
  // conflict: the store is the one that ran here last, so that no copy of it was put back.
  [[nodiscard]] static Result<void> check_is_copy(const Store& store, const std::string& path,
                                                  std::uint64_t revision);
  // Whatever the mark says: from now on this store is the one. For what was restored.
  [[nodiscard]] static Result<StoreMark> renew(Store& store, const std::string& path);

  // Notes how far the store came, where it went on; a write and three syncs. Not thread-safe.
  [[nodiscard]] Result<void> keep(Store& store);
  // False where the disk says neither when a file was made nor which one it is: a copy of the whole
  // folder would start.
  [[nodiscard]] bool tells_copies() const { return tells_copies_; }

 private:
  StoreMark(std::string path, std::string id) : path_(std::move(path)), id_(std::move(id)) {}
  std::string path_, id_;
  std::uint64_t revision_ = 0;  // as the file has it
  bool tells_copies_ = false;
};

// Nothing may be made where a mark is and no store: whoever lost a disk is not to begin a new site.
[[nodiscard]] Result<void> check_no_mark(const std::string& path);

}  // namespace muster
