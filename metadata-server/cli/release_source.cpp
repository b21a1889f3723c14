#include "cli/release_source.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "artifact/release_folder.hpp"
#include "cli/session.hpp"
#include "client/http_client.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";

struct ReleaseAddress {
  std::string base;  // scheme, host and port
  std::string path;  // of the release's folder, without a slash at its end
};

ReleaseAddress split(const std::string& url) {
  const auto host = url.find("://") + 3;
  const auto slash = std::min(url.find('/', host), url.size());
  ReleaseAddress place{url.substr(0, slash), url.substr(slash)};
  const auto bracket = place.base.rfind(']');  // of an IPv6 address
  if (place.base.find(':', bracket == std::string::npos ? host : bracket) == std::string::npos) {
    place.base += url.starts_with("https:") ? ":443" : ":80";
  }
  while (place.path.ends_with('/')) place.path.pop_back();
  return place;
}

// The file's place below the release's: its name as it is, "%3a" of a Debian epoch too, with what a
// path of RFC 3986 cannot hold percent-encoded.
std::string below(const ReleaseAddress& place, const std::string& file) {
  std::string path = place.path;
  std::istringstream segments(file);
  for (std::string segment; std::getline(segments, segment, '/');) path += "/" + escape(segment);
  return path;
}

// A file of the system's temporary folder that goes with its owner.
class ScratchFile {
 public:
  ScratchFile() {
    const char* folder = std::getenv("TMPDIR");
    path_ = fmt::format("{}/muster-release-XXXXXX", folder == nullptr ? "/tmp" : folder);
    file_ = FileDescriptor(::mkstemp(path_.data()));
  }
  ~ScratchFile() {
    if (file_.is_open()) ::unlink(path_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  FileDescriptor file_;
};

class Web {
 public:
  Web(HttpClientSettings settings, ReleaseAddress place)
      : http_(std::move(settings)), place_(std::move(place)) {}

  Result<std::string> get(const std::string& file) {
    HttpRequest request;
    request.path = below(place_, file);
    auto answer = http_.send(request);
    if (!answer) return while_doing(answer.error(), url_of(file));
    if (answer->status != 200) return unexpected(file, answer->status);
    return answer->body;
  }

  Result<std::string> fetch(const Artifact& artifact) {
    std::ofstream out(scratch_.path(), std::ios::binary | std::ios::trunc);
    std::uint64_t size = 0;
    Download wanted;
    wanted.path = below(place_, artifact.path);
    wanted.sink = [&](std::string_view bytes, Coding) {
      size += bytes.size();
      out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      return out.good() && size <= artifact.size;
    };
    auto answer = http_.download(wanted);
    out.close();
    if (out.fail()) {
      return fail(ErrorKind::io, fmt::format("'{}': {}; point TMPDIR at a disk with room",
                                             scratch_.path(), std::strerror(errno)));
    }
    if (answer && answer->status != 200) return unexpected(artifact.path, answer->status);
    if (!answer && answer.error().kind == ErrorKind::invalid) {
      return while_doing(answer.error(), url_of(artifact.path));
    }
    if (size != artifact.size) {
      return fail(
          ErrorKind::corrupt,
          fmt::format("{}: expected {} bytes as release.json says, found {}", url_of(artifact.path),
                      artifact.size, size > artifact.size ? "more" : std::to_string(size)));
    }
    if (!answer) return while_doing(answer.error(), url_of(artifact.path));
    return scratch_.path();
  }

 private:
  [[nodiscard]] std::string url_of(const std::string& file) const {
    return place_.base + below(place_, file);
  }
  [[nodiscard]] tl::unexpected<Error> unexpected(const std::string& file, int status) const {
    return fail(status == 404 ? ErrorKind::not_found : ErrorKind::unavailable,
                fmt::format("{}: expected status 200, found {}", url_of(file), status));
  }

  HttpClient http_;
  ReleaseAddress place_;
  ScratchFile scratch_;
};

Result<ReleaseSource> open_url(const std::string& url) {
  auto place = split(url);
  HttpClientSettings settings;
  settings.base_url = place.base;
  if (url.starts_with("https:")) {
    std::ostringstream text;
    text << std::ifstream(system_authorities).rdbuf();
    if (text.str().empty()) {
      return fail(ErrorKind::not_found,
                  fmt::format("'{}': cannot be read; install ca-certificates", system_authorities));
    }
    settings.tls.authorities_pem = text.str();
  }
  auto web = std::make_shared<Web>(std::move(settings), std::move(place));
  auto manifest = web->get("release.json");
  if (!manifest) return pass(manifest.error());
  auto release = parse_release(*manifest);
  if (!release) return while_doing(release.error(), url + "/release.json");
  return ReleaseSource{std::move(*release),
                       [web](const Artifact& artifact) { return web->fetch(artifact); }};
}

}  // namespace

Result<ReleaseSource> open_release_source(const std::string& place) {
  if (place.starts_with("http://") || place.starts_with("https://")) return open_url(place);
  auto release = read_release_folder(place);
  if (!release) return pass(release.error());
  return ReleaseSource{std::move(*release), [place](const Artifact& artifact) {
                         return Result<std::string>(place + "/" + artifact.path);
                       }};
}

}  // namespace muster
