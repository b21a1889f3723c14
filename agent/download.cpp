#include "agent/download.hpp"

#include "agent/failure.hpp"

namespace muster {
namespace {

constexpr std::uint64_t unknown_size_limit = 4u << 20;
constexpr std::size_t piece_size = 1u << 20;
constexpr int tries_per_source = 3;

// Collects small pieces, so that a file is opened once a MiB and not once a packet.
class PartFile {
 public:
  PartFile(Filesystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  [[nodiscard]] std::uint64_t size() const {
    const auto status = files_.status(path_);
    return status && status->type == FileStatus::Type::file ? status->size : 0;
  }
  [[nodiscard]] bool add(std::string_view bytes) {
    buffer_.append(bytes);
    if (buffer_.size() < piece_size) return true;
    return flush().has_value();
  }
  Result<void> flush() {
    if (buffer_.empty()) return result_;
    result_ = files_.append(path_, buffer_);
    buffer_.clear();
    return result_;
  }
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }

 private:
  Filesystem& files_;
  std::string path_, buffer_;
  Result<void> result_;
};

// Appends what one source has. An error of the disk is told apart from one of the source.
Result<void> receive(Network& network, const std::string& source, const Wanted& wanted,
                     Filesystem& files, const std::string& part) {
  PartFile file(files, part);
  std::uint64_t offset = file.size();
  const std::uint64_t limit = wanted.size > 0 ? wanted.size : unknown_size_limit;
  if (wanted.size == 0 || offset > limit) {
    if (auto removed = files.remove(part); !removed) return removed;
    offset = 0;
  }
  if (wanted.size > 0 && offset == wanted.size) return {};
  std::uint64_t received = 0;
  bool is_too_long = false;
  const auto sink = [&](std::string_view bytes) {
    received += bytes.size();
    is_too_long = offset + received > limit;
    return !is_too_long && file.add(bytes);
  };
  auto status = network.download(source, "/v1/artifacts/" + wanted.digest, offset, sink);
  if (auto flushed = file.flush(); !flushed) return flushed;
  if (is_too_long) {
    static_cast<void>(files.remove(part));
    return fail(ErrorKind::corrupt, fmt::format("expected {} bytes, found more", limit));
  }
  if (!status) return pass(status.error());
  if (*status == 200 && offset > 0) {
    // The source knows no ranges and sent nothing: from the start then.
    if (auto removed = files.remove(part); !removed) return removed;
    return fail(ErrorKind::unavailable, "the source does not resume");
  }
  return {};
}

Result<void> verify(Filesystem& files, const Wanted& wanted, const std::string& part) {
  const auto status = files.status(part);
  if (status && wanted.size > 0 && status->size < wanted.size) {
    return fail(ErrorKind::unavailable, fmt::format("expected {} bytes, the source ended after {}",
                                                    wanted.size, status->size));
  }
  const auto found = files.digest(part);
  if (!found) return pass(found.error());
  if (*found == wanted.digest) return {};
  static_cast<void>(files.remove(part));
  return fail(ErrorKind::corrupt,
              fmt::format("expected digest {}, found {}", wanted.digest, *found));
}

}  // namespace

Result<void> download(Host& host, Network& network, const std::vector<std::string>& sources,
                      const Wanted& wanted, const std::string& path, std::uint32_t mode) {
  auto& files = host.files;
  if (const auto now = files.digest(path); now && *now == wanted.digest) return {};
  const std::string part = path + ".part";
  std::string refusals;
  ErrorKind kind = ErrorKind::unavailable;
  for (const auto& source : sources) {
    for (int tried = 0; tried < tries_per_source; ++tried) {
      auto done = receive(network, source, wanted, files, part);
      if (done) done = verify(files, wanted, part);
      if (done) {
        if (auto finished = files.finish(part, mode, "root"); !finished) return finished;
        return files.rename(part, path);
      }
      if (is_of_the_disk(done.error().kind)) return done;
      kind = done.error().kind;
      refusals +=
          fmt::format("{}{}: {}", refusals.empty() ? "" : "\n", source, done.error().message);
      const bool may_help = kind == ErrorKind::unavailable || kind == ErrorKind::timeout;
      if (!may_help) break;
      host.clock.sleep(std::chrono::milliseconds(200 << tried));
    }
  }
  return fail(kind, fmt::format("{} from no source:\n{}", wanted.digest, refusals));
}

}  // namespace muster
