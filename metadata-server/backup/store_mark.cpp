#include "backup/store_mark.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

#include "pki/signature.hpp"
#include "records/record_fields.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

constexpr const char* copy_cure =
    "restore the newest backup (`muster-server restore`), or, if there is none and this copy is all there is, take it in: muster-server take-copy";

struct MarkFile {
  std::int64_t born = 0;       // when this file was made, in nanoseconds; 0: its disk does not say
  std::string inode;           // in its place: number and generation; empty: nor that
  std::uint64_t revision = 0;  // the store is at least there
  std::string store;
  bool unclaimed = false;  // written, and the store was not told yet
};

constexpr auto mark_file_fields = [](auto& fields, auto& mark) {
  fields.number("born", mark.born);
  fields.number("revision", mark.revision);
  fields.text("store", mark.store);
  fields.text("inode", mark.inode, Presence::if_set);
  fields.flag("unclaimed", mark.unclaimed, Presence::if_set);
};

// In the store: kind "site", key "mark".
struct MarkRecord {
  std::string store;
  std::uint64_t starts = 0;
};

constexpr auto mark_record_fields = [](auto& fields, auto& mark) {
  fields.text("store", mark.store);
  fields.number("starts", mark.starts);
};

std::int64_t born_at(int descriptor) {
  struct statx found {};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_BTIME, &found) != 0) return 0;
  if ((found.stx_mask & STATX_BTIME) == 0) return 0;
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return found.stx_btime.tv_sec * nanoseconds + found.stx_btime.tv_nsec;
}

// Of a disk without birth times (ext4 with inodes of 128 bytes): each file that is made has another
// generation, also where it takes the number of one that is gone.
std::string inode_of(int descriptor) {
  struct stat found {};
  unsigned int generation = 0;
  if (::fstat(descriptor, &found) != 0 || ::ioctl(descriptor, FS_IOC_GETVERSION, &generation) != 0)
    return {};
  return fmt::format("{}:{}", found.st_ino, generation);
}

Result<bool> write_mark(const std::string& path, MarkFile mark) {
  const std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  {
    const FileDescriptor file(
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", unfinished));
    mark.born = born_at(file.get());
    if (mark.born == 0) mark.inode = inode_of(file.get());
    const std::string text = record_text(mark, mark_file_fields) + "\n";
    if (auto written = write_all(file.get(), text, unfinished); !written)
      return pass(written.error());
  }
  if (auto moved = move_into_place(unfinished, path); !moved) return pass(moved.error());
  return mark.born != 0 || !mark.inode.empty();
}

struct FoundMark {
  MarkFile mark;
  bool is_copy = false;  // of the file
};

Result<std::optional<FoundMark>> read_mark(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open() && errno == ENOENT) return std::nullopt;
  if (!file.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  const auto mark = parse_record<MarkFile>(fmt::format("'{}'", path), text.str(), mark_file_fields);
  if (!mark)
    return fail(ErrorKind::conflict, fmt::format("{}: it says how far the store came: {}",
                                                 mark.error().message, copy_cure));
  const bool is_copy = (mark->born != 0 && born_at(file.get()) != mark->born) ||
                       (!mark->inode.empty() && inode_of(file.get()) != mark->inode);
  return FoundMark{*mark, is_copy};
}

struct FoundMarkRecord {
  MarkRecord mark;
  std::uint64_t version = 0;  // 0: none
};

Result<FoundMarkRecord> read_mark_record(const Store& store) {
  const auto record = store.get(kinds::site, kinds::mark_key);
  if (!record && record.error().kind == ErrorKind::not_found) return FoundMarkRecord{};
  if (!record) return pass(record.error());
  auto mark = parse_record<MarkRecord>("the store's mark", record->value, mark_record_fields);
  if (!mark) return pass(mark.error());
  return FoundMarkRecord{std::move(*mark), record->version};
}

tl::unexpected<Error> refuse_copy(const std::string& path, const std::string& found) {
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "the store is not the one that ran here last: '{}': {}. What it published again would have other content than what machines have: {}",
          path, found, copy_cure));
}

// What says that the store is a copy.
Result<void> check_mark(const std::string& path, const std::optional<FoundMark>& file,
                        const FoundMarkRecord& record, std::uint64_t revision) {
  if (!file && record.version == 0) return {};  // of an earlier program, or new
  if (!file)
    return refuse_copy(
        path, "expected the mark that the store was started with, found none: it was copied");
  const MarkFile& mark = file->mark;
  const bool was_cut_off = record.version == 0 && mark.unclaimed && mark.revision == revision;
  if (!was_cut_off && record.mark.store != mark.store)
    return refuse_copy(path, fmt::format("expected the mark of store '{}', found that of '{}'",
                                         record.mark.store, mark.store));
  if (file->is_copy)
    return refuse_copy(path, "expected the file that was written, found a copy of it");
  if (revision < mark.revision)
    return refuse_copy(path,
                       fmt::format("expected a store at revision {} or later, found one at {}",
                                   mark.revision, revision));
  return {};
}

}  // namespace

Result<StoreMark> StoreMark::open(Store& store, const std::string& path) {
  const auto file = read_mark(path);
  if (!file) return pass(file.error());
  auto record = read_mark_record(store);
  if (!record && record.error().kind == ErrorKind::corrupt)
    return fail(ErrorKind::conflict, fmt::format("{}: it says whether the store is a copy: {}",
                                                 record.error().message, copy_cure));
  if (!record) return pass(record.error());
  const auto revision = store.commit({});
  if (!revision) return pass(revision.error());
  if (auto same = check_mark(path, *file, *record, *revision); !same) return pass(same.error());
  if (record->version == 0) {
    record->mark.store = *file ? (*file)->mark.store : hex_encode(random_bytes(8));
    if (auto written = write_mark(path, {0, {}, *revision, record->mark.store, true}); !written)
      return pass(written.error());
  }
  // So that a copy made while no server ran is older than what follows.
  ++record->mark.starts;
  Transaction transaction;
  transaction.expect(kinds::site, kinds::mark_key, record->version)
      .put(kinds::site, kinds::mark_key, record_text(record->mark, mark_record_fields));
  if (auto noted = store.commit(transaction); !noted) return pass(noted.error());
  StoreMark mark(path, record->mark.store);
  if (auto kept = mark.keep(store); !kept) return pass(kept.error());
  return mark;
}

Result<void> StoreMark::check_is_copy(const Store& store, const std::string& path,
                                      std::uint64_t revision) {
  const auto file = read_mark(path);
  if (!file) return file.error().kind == ErrorKind::conflict ? Result<void>() : pass(file.error());
  const auto record = read_mark_record(store);
  if (!record)
    return record.error().kind == ErrorKind::corrupt ? Result<void>() : pass(record.error());
  const bool is_told = *file && record->version != 0;  // an earlier program's may be anything
  if (!is_told || !check_mark(path, *file, *record, revision)) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "the store is the one that ran here last, as '{0}' says: nothing to take in, and every cluster would be sealed for nothing; start the server. Where the whole disk went back to an older state, remove '{0}' first",
          path));
}

Result<StoreMark> StoreMark::renew(Store& store, const std::string& path) {
  Transaction transaction;
  transaction.remove(kinds::site, kinds::mark_key);  // whatever it says
  if (auto removed = store.commit(transaction); !removed) return pass(removed.error());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, fmt::format("removing '{}'", path));
  return open(store, path);
}

Result<void> StoreMark::keep(Store& store) {
  const auto revision = store.commit({});
  if (!revision) return pass(revision.error());
  if (*revision == revision_) return {};
  // Once a server starts, it is too late.
  const auto record = read_mark_record(store);
  if (!record && record.error().kind != ErrorKind::corrupt) return pass(record.error());
  if (!record) {
    Transaction mended;
    mended.put(kinds::site, kinds::mark_key, record_text(MarkRecord{id_, 1}, mark_record_fields));
    if (auto put = store.commit(mended); !put) return pass(put.error());
  }
  const auto written = write_mark(path_, {0, {}, *revision, id_, false});
  if (!written) return pass(written.error());
  tells_copies_ = *written;
  revision_ = *revision;
  return {};
}

Result<void> check_no_mark(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "'{0}': a store was here, and is gone: restore its newest backup (`muster-server restore`); for a new site remove '{0}' first",
          path));
}

}  // namespace muster
