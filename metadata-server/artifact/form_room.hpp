// How much of the disk the zstd forms of artifacts may take: nothing that others need. They can be
// made again, the database and artifacts cannot; so a part of the file system stays free of forms,
// and they go when somebody else needs their place. Thread-safe, for the imports of one process.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace muster {

class FormRoom {
 public:
  // What stays free: a tenth of the file system, at most 1 GiB.
  [[nodiscard]] static std::uint64_t reserve_of(std::uint64_t file_system_size);

  // `folder`: the artifact store's.
  explicit FormRoom(std::string folder) : folder_(std::move(folder)) {}

  // What imports announced and have yet to write, in bytes.
  void promise(std::uint64_t bytes) { promised_ += bytes; }
  void take_back(std::uint64_t bytes) { promised_ -= bytes; }

  // `more` bytes leave the reserve and what is promised free.
  [[nodiscard]] bool has_room_for(std::uint64_t more) const { return missing(more) == 0; }
  // Removes forms, the one in work first, until the reserve and what is promised are free or no
  // form is left.
  void make_room();
  // A write failed for want of space: removes every form. False: there was none.
  bool remove_all();
  // Bytes of forms removed since the last call.
  [[nodiscard]] std::uint64_t take_removed() { return removed_.exchange(0); }

  // The form in work, one at a time: its open file, which is emptied when others need the place.
  void begin_form(int file);
  // False: it was emptied.
  [[nodiscard]] bool is_whole() const;
  // From now on its file is not touched. False: it was emptied.
  [[nodiscard]] bool end_form();

 private:
  // Bytes short of room for `more`; 0 where it is unknown how much is free, and nothing is asked.
  [[nodiscard]] std::uint64_t missing(std::uint64_t more) const;
  // With the lock held, while `is_needed()`.
  template <class IsNeeded>
  bool remove_while(IsNeeded is_needed);

  const std::string folder_;
  std::atomic<std::uint64_t> promised_ = 0;
  std::atomic<std::uint64_t> removed_ = 0;
  mutable std::mutex mutex_;
  int in_work_ = -1;
  bool is_emptied_ = false;
};

}  // namespace muster
