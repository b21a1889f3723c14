#include "agent/release_fetch.hpp"

#include <algorithm>
#include <atomic>

#include "agent/at_once.hpp"
#include "agent/download.hpp"
#include "agent/failure.hpp"
#include "agent/paths.hpp"
#include "agent/release_place.hpp"
#include "document/field_syntax.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

// More than the cores of a small machine: some of them wait for the line or the disk.
constexpr std::size_t downloads_at_once = 4;

std::string staging_of(const ReleaseReference& reference) {
  return fmt::format("{}/{}/.{}.new", paths::releases, reference.name, reference.version);
}

// One release on its way. Its artifacts are fetched by several threads, each writes its own result.
struct Incoming {
  const ReleaseReference& reference;
  Result<Release> release;
  std::vector<Result<void>> artifacts;
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
    if (!fetched) return context(fetched.error(), "manifest");
    const auto text = host_.files.read(path, largest_manifest);
    if (!text) return pass(text.error());
    return check_manifest(reference, *text);
  }

  // Of the releases whose manifest is there, the largest first. Their folders are made on the way.
  std::vector<Job> jobs_of(std::vector<Incoming>& incoming) {
    std::vector<Job> jobs;
    for (auto& one : incoming) {
      if (!one.release) continue;
      const auto& artifacts = one.release->artifacts;
      one.artifacts.resize(artifacts.size());
      for (std::size_t i = 0; i < artifacts.size(); ++i) {
        const std::string path = path_of(one, i);
        one.artifacts[i] = host_.files.make_directory(path.substr(0, path.find_last_of('/')), 0755);
        if (one.artifacts[i]) jobs.push_back({&one, i});
      }
    }
    std::stable_sort(jobs.begin(), jobs.end(),
                     [](const Job& a, const Job& b) { return a.size() > b.size(); });
    return jobs;
  }

  Result<void> fetch_artifact(const Job& job) {
    if (is_disk_out_) {
      return fail(ErrorKind::exhausted, "not tried after a failure of the disk");
    }
    const auto& artifact = job.incoming->release->artifacts[job.artifact];
    auto done = download(host_, network_, sources_, {artifact.digest, artifact.size},
                         path_of(*job.incoming, job.artifact), file_mode(artifact.mode));
    const bool is_disk_failure =
        !done && (done.error().kind == ErrorKind::io || done.error().kind == ErrorKind::exhausted);
    if (is_disk_failure) is_disk_out_ = true;
    return done;
  }

  Result<Release> place(const Incoming& one) {
    if (!one.release) return pass(one.release.error());
    std::string problems;
    ErrorKind kind = ErrorKind::corrupt;
    for (std::size_t i = 0; i < one.artifacts.size(); ++i) {
      if (one.artifacts[i]) continue;
      const Error& error = one.artifacts[i].error();
      if (problems.empty()) kind = error.kind;
      problems += fmt::format("{}{}: {}", problems.empty() ? "" : "\n",
                              one.release->artifacts[i].path, error.message);
    }
    if (!problems.empty()) return fail(kind, problems);
    auto placed =
        host_.files.replace_directory(staging_of(one.reference), release_folder(one.reference));
    if (!placed) return pass(placed.error());
    return one.release;
  }

  static std::string path_of(const Incoming& one, std::size_t artifact) {
    return staging_of(one.reference) + "/" + one.release->artifacts[artifact].path;
  }

  Host& host_;
  Network& network_;
  const std::vector<std::string>& sources_;
  std::atomic<bool> is_disk_out_ = false;
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
