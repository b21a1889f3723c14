#include "records/audit_archive.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "document/strict_json.hpp"
#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::string_view suffix = ".jsonl.gz";

std::string lines_of(const std::vector<Record>& rows) {
  std::string lines;
  for (const auto& row : rows) {
    auto value = nlohmann::json::parse(row.value, nullptr, false);
    // A row that is damaged goes as it is: the archive must not lose it, nor stop at it.
    if (!value.is_object()) value = {{"damaged", row.value}};
    value["id"] = row.key;
    lines += canonical_text(value) + "\n";
  }
  return lines;
}

Result<std::string> compressed(const std::string& text) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return fail(ErrorKind::exhausted, "audit: no memory to compress");
  std::string packed(deflateBound(&stream, text.size()), '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int done = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return fail(ErrorKind::internal, "audit: compressing failed");
  return packed;
}

Result<void> write_durably(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  const FileDescriptor file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", temporary));
  if (auto written = write_all(file.get(), bytes, temporary); !written) return written;
  return move_into_place(temporary, path);
}

Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto entry = std::filesystem::directory_iterator(folder, failed);
       !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string file_name = entry->path().filename();
    if (file_name.ends_with(suffix)) names.push_back(file_name);
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return fail_errno(failed.value(), fmt::format("reading the folder '{}'", folder));
  std::sort(names.begin(), names.end());
  return names;
}

// The next file's first row is at least as new as any of this one's.
Result<std::size_t> remove_old_files(const std::string& folder, std::int64_t before) {
  const auto names = files_in(folder);
  if (!names) return pass(names.error());
  std::size_t removed = 0;
  for (std::size_t i = 0; i + 1 < names->size() && audit_time((*names)[i + 1]) < before; ++i) {
    const std::string path = folder + "/" + (*names)[i];
    if (unlink(path.c_str()) != 0) return fail_errno(errno, fmt::format("removing '{}'", path));
    ++removed;
  }
  return removed;
}

}  // namespace

Result<AuditRotation> rotate_audit(Store& store, const std::string& folder,
                                   const AuditPolicy& policy, TimePoint now) {
  AuditRotation done;
  auto rows = store.list(kinds::audit, {}, {}, policy.rows_per_file);
  if (!rows) return while_doing(rows.error(), "audit");
  const auto count = store.count(kinds::audit);
  if (!count) return while_doing(count.error(), "audit");
  const std::uint64_t too_many = *count > policy.rows_in_store ? *count - policy.rows_in_store : 0;
  const std::int64_t before = unix_microseconds(now - policy.in_store);
  const auto old = std::find_if(rows->begin(), rows->end(),
                                [&](const Record& row) { return audit_time(row.key) >= before; });
  const auto aged = static_cast<std::uint64_t>(old - rows->begin());
  done.moved =
      static_cast<std::size_t>(std::min<std::uint64_t>(rows->size(), std::max(aged, too_many)));
  done.is_complete = done.moved < policy.rows_per_file;
  rows->resize(done.moved);
  if (!rows->empty()) {
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(errno, fmt::format("creating the folder '{}'", folder));
    const auto packed = compressed(lines_of(*rows));
    if (!packed) return pass(packed.error());
    const std::string path = fmt::format("{}/{}{}", folder, rows->front().key, suffix);
    if (auto written = write_durably(path, *packed); !written) return pass(written.error());
    Transaction transaction;
    for (const auto& row : *rows) transaction.remove(kinds::audit, row.key);
    if (auto removed = store.commit(transaction); !removed) return pass(removed.error());
  }
  const auto removed = remove_old_files(folder, unix_microseconds(now - policy.in_files));
  if (!removed) return pass(removed.error());
  done.removed = *removed;
  return done;
}

Result<AuditFiles> list_audit_files(const std::string& folder) {
  const auto names = files_in(folder);
  if (!names) return pass(names.error());
  return AuditFiles{names->size(), names->empty() ? std::string() : names->front()};
}

}  // namespace muster
