#include "server.hpp"

#include <grp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "artifact/artifact_store.hpp"
#include "background_tasks.hpp"
#include "backup/store_mark.hpp"
#include "enrolment/enrolment_context.hpp"
#include "enrolment/pinned_regions.hpp"
#include "fleet/certificate_expiries.hpp"
#include "fleet/machine_trouble.hpp"
#include "http/artifact_encoder.hpp"
#include "http/server_listeners.hpp"
#include "http/wiring.hpp"
#include "publish/releases.hpp"
#include "site_setup.hpp"
#include "store/kinds.hpp"
#include "store/sqlite_store.hpp"

namespace muster {
namespace {

constexpr std::chrono::hours tls_lifetime{24 * 30};

TimePoint now() {
  return std::chrono::system_clock::now();
}

std::optional<std::uint32_t> group_id(const std::string& group_name) {
  const struct group* found = group_name.empty() ? nullptr : getgrnam(group_name.c_str());
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

EnrolmentLimits limits(const Settings& settings) {
  EnrolmentLimits limits;
  limits.identity_lifetime = settings.identity_lifetime;
  return limits;
}

// A server whose disk lost them goes on: machines that have their files need no other.
void warn_of_missing_files(const Store& store, const ArtifactStore& artifacts) {
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return spdlog::warn("releases: {}", catalogue.error().message);
  auto incomplete = unread_releases(store).value_or(std::vector<IncompleteRelease>());
  for (auto& release : incomplete_releases(*catalogue, artifacts))
    incomplete.push_back(std::move(release));
  for (const auto& release : incomplete) spdlog::warn("{}", to_text({release}));
}

void warn_of_old_addresses(const ServerAddresses& listed, const ServerAddresses& wanted) {
  if (listed.boot == wanted.boot && listed.enrol == wanted.enrol && listed.node == wanted.node)
    return;
  spdlog::warn(
      "machines are still told the addresses from before the site key was taken: start once after `muster-server return-site-key FILE`");
}

}  // namespace

// Members are destroyed from the last: listeners end before what they serve.
struct Server::Parts {
  Parts(Settings given, SealingKey key, std::unique_ptr<SqliteStore> opened, SiteKeys keys,
        ArtifactStore store_of_artifacts, std::vector<AwsRegion> regions, StoreMark opened_mark)
      : settings(std::move(given)),
        sealing(std::move(key)),
        database(std::move(opened)),
        store_mark(std::move(opened_mark)),
        site(std::move(keys)),
        artifacts(std::move(store_of_artifacts)),
        wiring(
            *database, sealing, site, artifacts,
            {now, limits(settings), std::move(regions), settings.metadata_tokens,
             audit_path(settings), group_id(settings.admin_group), &encoder, Views::patience,
             PrivateKey::generate_rsa2048, clocks_of_this_machine().since_boot, backup_source()}),
        listeners(wiring.router, wiring.metrics,
                  [this](ListenerKind kind, TimePoint at) { return issue_tls(kind, at); }),
        background_tasks(wiring.rooms, settings, listeners, wiring.tasks,
                         [this] { return store_mark.keep(*database); }) {}

  Settings settings;
  SealingKey sealing;
  std::unique_ptr<SqliteStore> database;
  StoreMark store_mark;
  SiteKeys site;
  ArtifactStore artifacts;
  ArtifactEncoder encoder{artifacts};
  Wiring wiring;
  ServerListeners listeners;
  BackgroundTasks background_tasks;

  [[nodiscard]] BackupSource backup_source() const;
  [[nodiscard]] Result<void> load();
  [[nodiscard]] std::map<std::string, std::int64_t> seconds_left() const;
  [[nodiscard]] std::map<std::string, std::int64_t> due_seconds() const;
  [[nodiscard]] Result<TlsServerSettings> issue_tls(ListenerKind kind, TimePoint at) const;
};

BackupSource Server::Parts::backup_source() const {
  return {[this](const std::string& path) { return database->back_up(path); },
          settings.text,
          settings.state_directory,
          server_addresses(settings),
          settings.requires_backup,
          store_mark.tells_copies()};
}

std::map<std::string, std::int64_t> Server::Parts::seconds_left() const {
  auto left = wiring.ends.all();
  const std::int64_t time = unix_seconds(now());
  for (auto& [cluster, seconds] : left) seconds = std::max<std::int64_t>(0, seconds - time);
  return left;
}

std::map<std::string, std::int64_t> Server::Parts::due_seconds() const {
  std::map<std::string, std::int64_t> seconds;
  const auto marks = all_due(wiring.store);
  const std::int64_t time = unix_seconds(now());
  for (const DueMark& mark : marks ? *marks : std::vector<DueMark>())
    seconds[mark.cluster] = mark.since == 0 ? 0 : std::max<std::int64_t>(0, time - mark.since);
  return seconds;
}

Result<void> Server::Parts::load() {
  if (auto loaded = wiring.views.load(); !loaded) return loaded;
  auto timed = wiring.clock.load(wiring.store, wiring.reports.newest());
  if (!timed) return timed;
  wiring.reports.begin(wiring.clock.since_boot());
  Metrics& metrics = wiring.metrics;
  metrics.set_expiries([this] { return certificate_expiries(wiring.rooms); });
  metrics.set_cluster_ends([this] { return seconds_left(); });
  metrics.set_due([this] { return due_seconds(); });
  metrics.set_encodings_pending([this] { return encoder.pending(); });
  metrics.set_machines([this] { return count_machines(wiring.rooms); });
  metrics.set_tasks([this] { return wiring.tasks.all(); });
  metrics.set_clock([this] { return wiring.clock.status(); });
  metrics.set_backup(
      [this] { return backup_status(wiring.store, now(), settings.requires_backup); });
  metrics.set_quarantined([this] { return wiring.quarantine.names(); });
  return {};
}

Result<TlsServerSettings> Server::Parts::issue_tls(ListenerKind kind, TimePoint at) const {
  const auto client =
      kind == ListenerKind::enrol ? ClientCertificate::optional : ClientCertificate::required;
  return site.server_tls(client, tls_lifetime, at);
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() {
  stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  auto mark = StoreMark::open(*opened->store, mark_path(settings));
  if (!mark) return pass(mark.error());
  remove_unfinished_backups(settings.state_directory);
  auto site = open_site(*opened->store, opened->sealing, server_addresses(settings));
  if (!site) return pass(site.error());
  warn_of_old_addresses(site->trust()->list.servers, server_addresses(settings));
  auto artifacts = ArtifactStore::open(artifacts_path(settings));
  if (!artifacts) return pass(artifacts.error());
  warn_of_missing_files(*opened->store, *artifacts);
  auto regions = settings.aws_certificates.empty() ? Result<std::vector<AwsRegion>>()
                                                   : load_pinned_regions(settings.aws_certificates);
  if (!regions) return pass(regions.error());
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(
      std::move(settings), std::move(opened->sealing), std::move(opened->store), std::move(*site),
      std::move(*artifacts), std::move(*regions), std::move(*mark))));
  Parts& parts = *server->parts_;
  if (auto loaded = parts.load(); !loaded) return pass(loaded.error());
  const Settings& by = parts.settings;
  auto listening = parts.listeners.open({by.boot, by.enrol, by.node, by.scrape, by.admin}, now());
  if (!listening) return pass(listening.error());
  parts.background_tasks.start();
  return server;
}

Result<void> Server::check_alive() {
  if (auto alive = parts_->listeners.check_alive(); !alive) return alive;
  const auto answers = parts_->wiring.store.get(kinds::site, kinds::site_settings_key);
  if (!answers) return pass(answers.error());
  return {};
}

void Server::stop(std::chrono::milliseconds grace) {
  parts_->listeners.stop(grace);
  parts_->background_tasks.stop();
  if (auto flushed = parts_->wiring.reports.flush(parts_->wiring.store); !flushed) {
    spdlog::error("writing what was served: {}", flushed.error().message);
  }
  if (auto flushed = parts_->wiring.counts.flush_all(parts_->wiring.store, now()); !flushed) {
    spdlog::error("audit: counts of refused calls: {}", flushed.error().message);
  }
  if (auto kept = parts_->store_mark.keep(*parts_->database); !kept) {
    spdlog::error("how far the store came: {}", kept.error().message);
  }
}

std::string Server::describe() const {
  return fmt::format("{}{} clusters", parts_->listeners.describe(),
                     parts_->wiring.current.clusters().size());
}

}  // namespace muster
