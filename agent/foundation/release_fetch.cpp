#include "agent/foundation/release_fetch.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include "agent/foundation/at_once.hpp"
#include "agent/foundation/download.hpp"
#include "agent/foundation/release_place.hpp"
#include "agent/foundation/release_staging.hpp"
#include "agent/run/failure.hpp"
#include "document/field_syntax.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

// More than the cores of a small machine: some of them wait for the line or the disk.
constexpr std::size_t downloads_at_once = 4;

// One release on its way. Its artifacts are fetched by several threads, each writes its own result.
struct Incoming {
  const ReleaseReference& reference;
  Result<Release> release;
  std::vector<std::optional<Result<void>>> artifacts;  // none: not tried
};

struct Job {
  Incoming* incoming;
  std::size_t artifact;
  [[nodiscard]] std::uint64_t size() const { return incoming->release->artifacts[artifact].size; }
};

class ReleaseFetch {
 public:
  ReleaseFetch(Host& host, Network& network, const std::vector<std::string>& sources)
      : host_(host), network_(network), sources_(sources) {}

  std::vector<Result<Release>> run(const std::vector<ReleaseReference>& wanted) {
    std::vector<Incoming> incoming;
    for (const auto& reference : wanted)
      incoming.push_back({reference, fail(ErrorKind::unavailable, "not tried"), {}});
    at_once(incoming.size(), downloads_at_once,
            [&](std::size_t i) { incoming[i].release = fetch_manifest(incoming[i].reference); });
    std::vector<Job> jobs = jobs_of(incoming);
    at_once(jobs.size(), downloads_at_once, [&](std::size_t i) {
      jobs[i].incoming->artifacts[jobs[i].artifact] = fetch_artifact(jobs[i]);
    });
    std::vector<Result<Release>> results;
    for (auto& one : incoming) results.push_back(place(one));
    return results;
  }

 private:
  Result<Release> fetch_manifest(const ReleaseReference& reference) {
    const std::string staging = staging_of(reference);
    if (auto made = host_.files.make_directory(staging, 0755, "root"); !made) {
      return pass(made.error());
    }
    const std::string path = staging + "/release.json";
    auto fetched = download(host_, network_, sources_, {reference.manifest_digest, 0}, path, 0644);
    if (!fetched) return while_doing(fetched.error(), "manifest");
    const auto text = host_.files.read(path, largest_manifest);
    if (!text) return pass(text.error());
    return check_manifest(reference, *text);
  }

  // Of the releases whose manifest is there, the largest first. Their folders are made on the way.
  std::vector<Job> jobs_of(std::vector<Incoming>& incoming) {
    std::vector<Job> jobs;
    for (auto& one : incoming) {
      if (!one.release) continue;
      if (auto kept = keep_only(host_.files, one.reference, *one.release, true); !kept) {
        one.release = pass(kept.error());
        continue;
      }
      one.artifacts.resize(one.release->artifacts.size());
      for (std::size_t i = 0; i < one.artifacts.size(); ++i) {
        const std::string path = path_of(one, i);
        auto made = host_.files.make_directory(path.substr(0, path.find_last_of('/')), 0755);
        if (made) {
          jobs.push_back({&one, i});
        } else {
          one.artifacts[i] = made;
        }
      }
    }
    std::stable_sort(jobs.begin(), jobs.end(),
                     [](const Job& a, const Job& b) { return a.size() > b.size(); });
    return jobs;
  }

  std::optional<Result<void>> fetch_artifact(const Job& job) {
    if (is_disk_out_) return std::nullopt;
    const auto& artifact = job.incoming->release->artifacts[job.artifact];
    auto done = download(host_, network_, sources_, {artifact.digest, artifact.size},
                         path_of(*job.incoming, job.artifact), file_mode(artifact.mode));
    if (!done && is_of_the_disk(done.error().kind) && !is_disk_out_.exchange(true)) {
      disk_failure_ = {done.error().kind, artifact.path + ": " + done.error().message};
    }
    return done;
  }

  Result<Release> place(const Incoming& one) {
    if (!one.release) return pass(one.release.error());
    if (auto problem = problem_of(one)) return tl::unexpected(*problem);
    auto placed = keep_only(host_.files, one.reference, *one.release, false);
    if (placed) {
      placed =
          host_.files.replace_directory(staging_of(one.reference), release_folder(one.reference));
    }
    if (!placed) return pass(placed.error());
    return one.release;
  }

  // The first line is all that some see: failures of the disk, which others follow from, come
  // first.
  std::optional<Error> problem_of(const Incoming& one) const {
    std::optional<Error> problem;
    const auto tell = [&](ErrorKind kind, const std::string& line) {
      if (!problem)
        problem = Error{kind, line};
      else
        problem->message += "\n" + line;
    };
    const auto tell_those = [&](bool of_the_disk) {
      for (std::size_t i = 0; i < one.artifacts.size(); ++i) {
        const auto& done = one.artifacts[i];
        if (!done || *done || is_of_the_disk(done->error().kind) != of_the_disk) continue;
        tell(done->error().kind, one.release->artifacts[i].path + ": " + done->error().message);
      }
    };
    tell_those(true);
    tell_those(false);
    const auto untried = std::count(one.artifacts.begin(), one.artifacts.end(), std::nullopt);
    if (untried > 0) {
      tell(disk_failure_.kind,
           fmt::format("{} of {} artifacts not tried after a failure of the disk: {}", untried,
                       one.artifacts.size(), disk_failure_.message));
    }
    return problem;
  }

  static std::string path_of(const Incoming& one, std::size_t artifact) {
    return staging_of(one.reference) + "/" + one.release->artifacts[artifact].path;
  }

  Host& host_;
  Network& network_;
  SourceOrder sources_;
  std::atomic<bool> is_disk_out_ = false;
  Error disk_failure_;  // the first one; whoever sets the flag writes it, read once all is over
};

}  // namespace

Result<Release> check_manifest(const ReleaseReference& reference, const std::string& text) {
  if (const auto found = sha256_digest(text); found != reference.manifest_digest) {
    return fail(ErrorKind::corrupt, fmt::format("manifest: expected digest {}, found {}",
                                                reference.manifest_digest, found));
  }
  auto release = parse_release(text);
  if (!release) return release;
  if (release->name != reference.name || release->version != reference.version) {
    return fail(ErrorKind::corrupt,
                fmt::format("manifest: expected {} {}, found {} {}", reference.name,
                            reference.version, release->name, release->version));
  }
  return release;
}

std::vector<Result<Release>> fetch_releases(Host& host, Network& network,
                                            const std::vector<ReleaseReference>& wanted,
                                            const std::vector<std::string>& sources) {
  return ReleaseFetch(host, network, sources).run(wanted);
}

}  // namespace muster
