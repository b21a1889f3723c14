#include "cli/backup_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <optional>
#include <tuple>
#include <vector>

#include "cli/answer.hpp"
#include "document/backup_frame.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr std::string_view file_start = "muster-", file_end = ".backup";
constexpr std::string_view unfinished_end = ".new";

bool is_there(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

bool is_own_name(std::string_view name) {
  constexpr std::string_view form = "00000000T000000Z";
  if (!name.starts_with(file_start) || !name.ends_with(file_end)) return false;
  name.remove_prefix(file_start.size());
  name.remove_suffix(file_end.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '0' ? !is_digit(name[i]) : name[i] != form[i]) return false;
  }
  name.remove_prefix(form.size());
  return name.empty() ||
         (name.size() > 1 && name[0] == '-' && std::all_of(name.begin() + 1, name.end(), is_digit));
}

Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::error_code unknown;
    if (entry.is_regular_file(unknown)) names.push_back(entry.path().filename().string());
  }
  if (error) return fail(ErrorKind::io, fmt::format("'{}': {}", folder, error.message()));
  return names;
}

Result<void> remove_unfinished(const std::string& folder) {
  const auto names = names_in(folder);
  if (!names) return pass(names.error());
  for (const std::string_view name : *names) {
    if (!name.ends_with(unfinished_end) ||
        !is_own_name(name.substr(0, name.size() - unfinished_end.size())))
      continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.is_open() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
  return {};
}

struct FoundBackup {
  std::string path, site;
  std::int64_t epoch = 0, revision = 0;
  bool is_whole = false;
};

// Not verified.
std::optional<FoundBackup> look_into(const std::string& path) {
  const auto file = open_backup_file(path);
  if (!file) return std::nullopt;
  const auto frame = read_backup_frame(*file, path);
  if (!frame) return std::nullopt;
  const auto header =
      parse_strict_json("backup's header", frame->header.payload, {maximum_envelope_size, 8});
  if (!header || !header->is_object()) return std::nullopt;
  return FoundBackup{path, cell(*header, "/site"), number_at(*header, "/epoch"),
                     number_at(*header, "/revision"), number_at(*header, "/damaged") == 0};
}

}  // namespace

std::string unfinished(const std::string& path) {
  return path + std::string(unfinished_end);
}

Result<NewBackup> create_backup(const std::string& path) {
  const std::string name = unfinished(path);
  FileDescriptor file(
      ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open() && errno == EEXIST)
    return fail(ErrorKind::conflict, fmt::format("'{}': is there already", name));
  if (!file.is_open() || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return fail_errno(errno, fmt::format("creating '{}'", name));
  return NewBackup{path, std::move(file)};
}

Result<NewBackup> create_backup_in(const std::string& folder) {
  if (auto removed = remove_unfinished(folder); !removed) return pass(removed.error());
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char time[32] = {};
  std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &parts);
  for (int number = 1;; ++number) {
    const std::string more = number == 1 ? "" : fmt::format("-{}", number);
    const std::string path = fmt::format("{}/{}{}{}{}", folder, file_start, time, more, file_end);
    if (is_there(path)) continue;
    auto made = create_backup(path);
    if (made || made.error().kind != ErrorKind::conflict) return made;
  }
}

Result<void> remove_older(const FolderPolicy& policy, const std::string& made,
                          std::int64_t counting_revision) {
  const auto names = names_in(policy.folder);
  if (!names) return pass(names.error());
  const auto newest = look_into(made);
  std::vector<FoundBackup> files;
  for (const auto& name : *names) {
    auto found = is_own_name(name) ? look_into(policy.folder + "/" + name) : std::nullopt;
    if (found && newest && found->site == newest->site) files.push_back(std::move(*found));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::tie(a.epoch, a.revision) < std::tie(b.epoch, b.revision);
  });
  const auto whole =
      std::find_if(files.rbegin(), files.rend(), [](const auto& file) { return file.is_whole; });
  std::size_t over = files.size() > policy.keep ? files.size() - policy.keep : 0;
  for (const auto& file : files) {
    const bool stays = file.path == made || file.revision == counting_revision ||
                       (whole != files.rend() && file.path == whole->path);
    if (over == 0 || stays) continue;
    if (::unlink(file.path.c_str()) != 0)
      return fail_errno(errno, fmt::format("removing '{}'", file.path));
    --over;
  }
  return {};
}

}  // namespace muster
