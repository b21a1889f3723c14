#include <spdlog/spdlog.h>

#include <map>

#include "document/release.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "publish/release_removal.hpp"
#include "publish/releases.hpp"

namespace muster::handlers {
Result<Response> get_releases(const Rooms& rooms, const Caller&, const Request&) {
  const auto catalogue = load_catalogue(rooms.store);
  if (!catalogue) return pass(catalogue.error());
  std::map<std::pair<std::string, std::string>, std::size_t> missing;
  for (const auto& release : incomplete_releases(*catalogue, rooms.artifacts))
    missing[{release.name, release.version}] = release.missing;
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& release : catalogue->releases()) {
    const auto lacking = missing.find({release.name, release.version});
    rows.push_back({{"name", release.name},
                    {"version", release.version},
                    {"manifestDigest", release.manifest_digest},
                    {"size", release.size},
                    {"artifacts", release.artifacts.size()},
                    {"missing", lacking == missing.end() ? 0 : lacking->second}});
  }
  return json_response({{"releases", rows}});
}

Result<Response> post_releases(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto release = parse_release(request.body);
  if (!release) return pass(release.error());
  const auto added =
      add_release(rooms.store, rooms.artifacts, *release, caller.text(), rooms.enrolment.now());
  if (!added) return pass(added.error());
  spdlog::info("{}: added release {} {}", caller.text(), release->name, release->version);
  return json_response({{"name", release->name},
                        {"version", release->version},
                        {"manifestDigest", digest(*release)}});
}

Result<Response> post_release_check(const Rooms& rooms, const Caller&, const Request& request) {
  const std::string& name = request.parameters.at("name");
  const std::string& version = request.parameters.at("version");
  const auto problems = verify_release(rooms.store, rooms.artifacts, name, version);
  if (!problems) return pass(problems.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& problem : *problems) {
    rows.push_back({{"path", problem.path}, {"digest", problem.digest}, {"found", problem.found}});
  }
  return json_response({{"name", name}, {"version", version}, {"problems", rows}});
}

Result<Response> delete_release(const Rooms& rooms, const Caller& caller, const Request& request) {
  const ReleaseName release{request.parameters.at("name"), request.parameters.at("version")};
  const auto removed = remove_release({rooms.store, rooms.artifacts, rooms.current}, release,
                                      caller.text(), rooms.enrolment.now());
  if (!removed) return pass(removed.error());
  spdlog::info("{}: removed release {} {}", caller.text(), release.name, release.version);
  return json_response({{"name", release.name}, {"version", release.version}});
}

Result<Response> post_prune(const Rooms& rooms, const Caller& caller, const Request& request) {
  bool dry_run = false;
  auto read = read_json_body("prune request", request, [&](JsonObject& root) {
    root.flag("dryRun", dry_run, Need::optional);
  });
  if (!read) return pass(read.error());
  const auto pruned = prune_releases({rooms.store, rooms.artifacts, rooms.current}, caller.text(),
                                     rooms.enrolment.now(), dry_run);
  if (!pruned) return pass(pruned.error());
  nlohmann::json removed = nlohmann::json::array();
  for (const auto& release : pruned->releases)
    removed.push_back({{"name", release.name}, {"version", release.version}});
  if (!dry_run) {
    spdlog::info("{}: pruned {} releases, {} artifacts, {} bytes", caller.text(), removed.size(),
                 pruned->files.removed, pruned->files.bytes_removed);
  }
  return json_response({{"releases", removed},
                        {"artifacts", pruned->files.removed},
                        {"bytes", pruned->files.bytes_removed},
                        {"dryRun", dry_run}});
}

}  // namespace muster::handlers
