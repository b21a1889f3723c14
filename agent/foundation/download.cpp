#include "agent/foundation/download.hpp"

#include <optional>
#include <utility>

#include "agent/foundation/part_file.hpp"
#include "agent/foundation/zstd_stream.hpp"
#include "agent/run/failure.hpp"

namespace muster {
namespace {

constexpr std::uint64_t unknown_size_limit = 4u << 20;
constexpr int tries_per_source = 3;

bool is_of_the_line(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::timeout;
}

bool is_refusal(ErrorKind kind) {
  return kind == ErrorKind::corrupt || kind == ErrorKind::invalid;
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
    if (status) return {};
    // Whatever a source says (429, for one): it is not this machine's disk.
    const bool is_misleading = is_of_the_disk(status.error().kind);
    return fail(is_misleading ? ErrorKind::unavailable : status.error().kind,
                status.error().message);
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
  Result<void> run(SourceOrder& sources) {
    if (const auto found = take_up(); !found || *found) return found.map([](bool) {});
    for (const auto& source : sources.now()) {
      if (auto done = ask(source); done || is_of_the_disk(done.error().kind)) return done;
      if (kind_ == ErrorKind::timeout) sources.ask_last(source);
    }
    return fail(kind_, fmt::format("{} from no source:\n{}", wanted_.digest, refusals_));
  }

 private:
  [[nodiscard]] bool is_whole() const { return wanted_.size > 0 && part_.size() == wanted_.size; }

  // Whether what an earlier run left is all of it. Whole and wrong, it is nobody's to answer for.
  Result<bool> take_up() {
    if (part_.size() < wanted_.size) return false;
    if (is_whole()) {
      const auto found = part_.digest();
      if (!found) return pass(found.error());
      if (*found == wanted_.digest) return true;
    }
    return part_.clear().map([] { return false; });
  }

  Result<void> ask(const std::string& source) {
    is_last_word_ = false;
    for (int broken = 0;;) {
      auto done = attempt(source);
      if (done || is_of_the_disk(done.error().kind)) return done;
      kind_ = done.error().kind;
      refusals_ +=
          fmt::format("{}{}: {}", refusals_.empty() ? "" : "\n", source, done.error().message);
      if (std::exchange(may_ask_again_, false)) continue;
      // One that stalls is not waited for three times: the next one may have it at once.
      if (kind_ != ErrorKind::unavailable || ++broken == tries_per_source) return done;
      host_.clock.sleep(std::chrono::milliseconds(100 << broken));
    }
  }

  // Goes on with what is there. What is refused then may be of other bytes than this source's, or
  // of a coding on the way: it has its last word from the start, with plain bytes.
  Result<void> attempt(const std::string& source) {
    if (wanted_.size == 0) {
      if (auto cleared = part_.clear(); !cleared) return cleared;
    }
    const std::uint64_t offset = part_.size();
    const bool takes_zstd = !is_last_word_ && wanted_.size > 0 && offset == 0;
    Receiver receiver(wanted_, part_);
    auto done = receive(source, receiver, takes_zstd);
    const bool has_all = done || (is_of_the_line(done.error().kind) && is_whole());
    if (has_all) done = verify();
    if (done || !is_refusal(done.error().kind)) return done;
    const bool is_coding_to_blame =
        receiver.was_coded() || (takes_zstd && done.error().kind == ErrorKind::invalid);
    may_ask_again_ = !is_last_word_ && (offset > 0 || is_coding_to_blame);
    is_last_word_ = is_last_word_ || may_ask_again_;
    if (auto cleared = part_.clear(); !cleared) return cleared;
    return done;
  }

  // Appends what the source has. What was unpacked so far goes on with plain bytes: a range is of
  // the artifact, whatever was sent before.
  Result<void> receive(const std::string& source, Receiver& receiver, bool takes_zstd) {
    Download download;
    download.path = "/v1/artifacts/" + wanted_.digest;
    download.offset = part_.size();
    download.takes_zstd = takes_zstd;
    download.sink = [&](std::string_view bytes, Coding coding) {
      return receiver.take(bytes, coding);
    };
    const auto status = network_.download(source, download);
    if (auto done = receiver.finish(status); !done) return done;
    if (*status == 200 && download.offset > 0) {
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
    return fail(ErrorKind::corrupt,
                fmt::format("expected digest {}, found {}", wanted_.digest, *found));
  }

  Host& host_;
  Network& network_;
  const Wanted& wanted_;
  PartFile part_;
  bool is_last_word_ = false, may_ask_again_ = false;  // of the source that is asked
  std::string refusals_;
  ErrorKind kind_ = ErrorKind::unavailable;
};

// A link, a folder or a device of that name is no download of ours.
Result<void> clear_way(Filesystem& files, const std::string& path) {
  const auto now = files.status(path);
  if (!now || now->type == FileStatus::Type::file) return {};
  return files.remove(path);
}

}  // namespace

Result<void> download(Host& host, Network& network, SourceOrder& sources, const Wanted& wanted,
                      const std::string& path, std::uint32_t mode) {
  auto& files = host.files;
  for (const auto& place : {path, path + ".part"}) {
    if (auto cleared = clear_way(files, place); !cleared) return cleared;
  }
  if (const auto now = files.digest(path); now && *now == wanted.digest) return {};
  if (auto fetched = Fetch(host, network, wanted, path).run(sources); !fetched) return fetched;
  if (auto finished = files.finish(path + ".part", mode, "root"); !finished) return finished;
  return files.rename(path + ".part", path);
}

}  // namespace muster
