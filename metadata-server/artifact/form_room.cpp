#include "artifact/form_room.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace muster {

namespace fs = std::filesystem;

std::uint64_t FormRoom::reserve_of(std::uint64_t file_system_size) {
  return std::min<std::uint64_t>(file_system_size / 10, 1u << 30);
}

std::uint64_t FormRoom::missing(std::uint64_t more) const {
  struct statvfs found {};
  if (::statvfs(folder_.c_str(), &found) != 0) return more;
  const std::uint64_t free = std::uint64_t{found.f_bavail} * found.f_frsize;
  const std::uint64_t needed =
      reserve_of(std::uint64_t{found.f_blocks} * found.f_frsize) + promised_ + more;
  return needed > free ? needed - free : 0;
}

template <class IsNeeded>
bool FormRoom::remove_while(IsNeeded is_needed) {
  bool is_any = false;
  struct stat written {};
  if (in_work_ >= 0 && !is_emptied_ && is_needed() && ::fstat(in_work_, &written) == 0) {
    // Its maker goes on writing for a moment, and then sees that it is no more.
    is_emptied_ = ::ftruncate(in_work_, 0) == 0;
    is_any = is_emptied_;
    if (is_any) removed_ += static_cast<std::uint64_t>(written.st_size);
  }
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder_ + "/zstd", failed), end;
       !failed && entry != end && is_needed(); entry.increment(failed)) {
    std::error_code gone;
    // An empty one says that its artifact has none, and takes no place.
    if (!entry->is_regular_file(gone) || entry->file_size(gone) == 0 || gone) continue;
    const std::uint64_t size = entry->file_size(gone);
    if (gone || !fs::remove(entry->path(), gone)) continue;
    removed_ += size;
    is_any = true;
  }
  return is_any;
}

void FormRoom::make_room() {
  if (has_room_for(0)) return;
  const std::lock_guard lock(mutex_);
  remove_while([this] { return !has_room_for(0); });
}

bool FormRoom::remove_all() {
  const std::lock_guard lock(mutex_);
  return remove_while([] { return true; });
}

void FormRoom::begin_form(int file) {
  const std::lock_guard lock(mutex_);
  in_work_ = file;
  is_emptied_ = false;
}

bool FormRoom::is_whole() const {
  const std::lock_guard lock(mutex_);
  return !is_emptied_;
}

bool FormRoom::end_form() {
  const std::lock_guard lock(mutex_);
  in_work_ = -1;
  return !is_emptied_;
}

}  // namespace muster
