#include "agent/download.hpp"

#include <optional>

#include "agent/failure.hpp"
#include "agent/part_file.hpp"
#include "agent/zstd_stream.hpp"

namespace muster {
namespace {

constexpr std::uint64_t unknown_size_limit = 4u << 20;
constexpr int tries_per_source = 3;

bool is_of_the_line(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::timeout;
}

// Takes the answer of one source into the part, unpacked where it is coded.
class Receiver {
 public:
  Receiver(const Wanted& wanted, PartFile& part)
      : part_(part), limit_(wanted.size > 0 ? wanted.size : unknown_size_limit) {}

  bool take(std::string_view bytes, Coding coding) {
    result_ = coding == Coding::zstd ? unpack(bytes) : add(bytes);
    return result_.has_value();
  }

  // After the answer's end.
  Result<void> finish(const Result<int>& status) {
    if (result_ && status && unpacked_) result_ = check_end();
    const bool is_of_no_use = !result_ && !is_of_the_disk(result_.error().kind);
    auto kept = is_of_no_use ? part_.clear() : part_.flush();
    if (!kept) return kept;
    if (!result_) return result_;
    if (!status) return pass(status.error());
    return {};
  }
  [[nodiscard]] bool was_coded() const { return unpacked_.has_value(); }

 private:
  Result<void> add(std::string_view bytes) {
    if (part_.size() + bytes.size() > limit_) {
      return fail(ErrorKind::corrupt, fmt::format("expected {} bytes, found more", limit_));
    }
    return part_.add(bytes);
  }
  Result<void> unpack(std::string_view bytes) {
    if (!unpacked_) unpacked_.emplace(limit_);
    part_.note_unpacked();
    return unpacked_->add(bytes, [this](std::string_view plain) { return add(plain); });
  }

  [[nodiscard]] Result<void> check_end() const {
    if (auto ended = unpacked_->finish(); !ended || part_.size() == limit_) return ended;
    return fail(ErrorKind::corrupt,
                fmt::format("expected {} bytes, found {}", limit_, part_.size()));
  }

  PartFile& part_;
  const std::uint64_t limit_;
  std::optional<ZstdStream> unpacked_;
  Result<void> result_;
};

// One artifact from several sources, until one has given its bytes.
class Fetch {
 public:
  Fetch(Host& host, Network& network, const Wanted& wanted, const std::string& path)
      : host_(host), network_(network), wanted_(wanted), part_(host.files, path + ".part") {}

  // The part is complete and verified. A failure of the disk ends it, others go to the next source.
  Result<void> run(const std::vector<std::string>& sources) {
    for (const auto& source : sources) {
      if (auto done = ask(source); done || is_of_the_disk(done.error().kind)) return done;
    }
    return fail(kind_, fmt::format("{} from no source:\n{}", wanted_.digest, refusals_));
  }

 private:
  Result<void> ask(const std::string& source) {
    takes_zstd_ = true;
    Result<void> done;
    for (int tried = 0; tried < tries_per_source; ++tried) {
      done = attempt(source);
      if (done || is_of_the_disk(done.error().kind)) return done;
      kind_ = done.error().kind;
      refusals_ +=
          fmt::format("{}{}: {}", refusals_.empty() ? "" : "\n", source, done.error().message);
      if (is_of_the_line(kind_)) {
        host_.clock.sleep(std::chrono::milliseconds(200 << tried));
      } else if (!std::exchange(may_ask_for_plain_, false)) {
        return done;
      }
    }
    return done;
  }

  Result<void> attempt(const std::string& source) {
    const bool is_resumable = wanted_.size > 0 && part_.size() <= wanted_.size;
    if (!is_resumable) {
      if (auto cleared = part_.clear(); !cleared) return cleared;
    }
    const bool is_complete = wanted_.size > 0 && part_.size() == wanted_.size;
    auto done = is_complete ? Result<void>() : receive(source);
    if (done) done = verify();
    return done;
  }

  // Appends what the source has. What was unpacked so far goes on with plain bytes: a range is of
  // the artifact, whatever was sent before.
  Result<void> receive(const std::string& source) {
    const std::uint64_t offset = part_.size();
    Receiver receiver(wanted_, part_);
    Download download;
    download.path = "/v1/artifacts/" + wanted_.digest;
    download.offset = offset;
    download.takes_zstd = takes_zstd_ && wanted_.size > 0 && offset == 0;
    download.sink = [&](std::string_view bytes, Coding coding) {
      return receiver.take(bytes, coding);
    };
    const auto status = network_.download(source, download);
    auto done = receiver.finish(status);
    const bool is_refused = !done && !is_of_the_line(done.error().kind);
    // A coding of another kind, or none of HTTP's lengths: it is asked once more, for plain bytes.
    const bool is_coding_to_blame =
        receiver.was_coded() ||
        (is_refused && download.takes_zstd && done.error().kind == ErrorKind::invalid);
    if (is_refused && is_coding_to_blame) give_up_zstd();
    if (!done) return done;
    if (*status == 200 && offset > 0) {
      // The source knows no ranges and sent nothing: from the start then.
      if (auto cleared = part_.clear(); !cleared) return cleared;
      return fail(ErrorKind::unavailable, "the source does not resume");
    }
    return {};
  }

  Result<void> verify() {
    if (wanted_.size > 0 && part_.size() < wanted_.size) {
      return fail(
          ErrorKind::unavailable,
          fmt::format("expected {} bytes, the source ended after {}", wanted_.size, part_.size()));
    }
    const auto found = part_.digest();
    if (!found) return pass(found.error());
    if (*found == wanted_.digest) return {};
    if (part_.is_unpacked()) give_up_zstd();
    if (auto cleared = part_.clear(); !cleared) return cleared;
    return fail(ErrorKind::corrupt,
                fmt::format("expected digest {}, found {}", wanted_.digest, *found));
  }

  void give_up_zstd() {
    takes_zstd_ = false;
    may_ask_for_plain_ = true;
  }

  Host& host_;
  Network& network_;
  const Wanted& wanted_;
  PartFile part_;
  bool takes_zstd_ = true, may_ask_for_plain_ = false;
  std::string refusals_;
  ErrorKind kind_ = ErrorKind::unavailable;
};

}  // namespace

Result<void> download(Host& host, Network& network, const std::vector<std::string>& sources,
                      const Wanted& wanted, const std::string& path, std::uint32_t mode) {
  auto& files = host.files;
  if (const auto now = files.digest(path); now && *now == wanted.digest) return {};
  if (auto fetched = Fetch(host, network, wanted, path).run(sources); !fetched) return fetched;
  if (auto finished = files.finish(path + ".part", mode, "root"); !finished) return finished;
  return files.rename(path + ".part", path);
}

}  // namespace muster
