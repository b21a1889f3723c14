#include "server.hpp"

#include <grp.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "artifact/artifact_store.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/enrolment_context.hpp"
#include "enrolment/pinned_regions.hpp"
#include "enrolment/remove.hpp"
#include "fleet/certificate_expiries.hpp"
#include "fleet/inventory_slot.hpp"
#include "fleet/machine_trouble.hpp"
#include "fleet/vanished.hpp"
#include "http/artifact_encoder.hpp"
#include "http/caller_cache.hpp"
#include "http/listener.hpp"
#include "http/rooms.hpp"
#include "http/router.hpp"
#include "publish/member_publisher.hpp"
#include "publish/releases.hpp"
#include "store/kinds.hpp"
#include "store/sqlite_store.hpp"
#include "trust/site_key_custody.hpp"
#include "upkeep.hpp"

namespace muster {
namespace {

constexpr std::chrono::hours tls_lifetime{24 * 30};

TimePoint now() {
  return std::chrono::system_clock::now();
}

Result<void> make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail_errno(errno, fmt::format("creating the state folder '{}'", path));
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

struct OpenedStore {
  SealingKey sealing;
  std::unique_ptr<SqliteStore> store;
};

Result<OpenedStore> open_store(const Settings& settings) {
  auto sealing = SealingKey::load(sealing_key_path(settings));
  if (!sealing)
    return while_doing(sealing.error(), "the sealing key (`muster-server init` makes it)");
  auto store = SqliteStore::open(database_path(settings), SqliteStore::OpenMode::must_exist);
  if (!store) return pass(store.error());
  return OpenedStore{std::move(*sealing), std::move(*store)};
}

// A server whose disk lost them goes on: machines that have their files need no other.
void warn_of_missing_files(const Store& store, const ArtifactStore& artifacts) {
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return spdlog::warn("releases: {}", catalogue.error().message);
  for (const auto& release : incomplete_releases(*catalogue, artifacts))
    spdlog::warn("{}", to_text({release}));
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
        ArtifactStore store_of_artifacts, std::vector<AwsRegion> regions)
      : settings(std::move(given)),
        sealing(std::move(key)),
        database(std::move(opened)),
        store(*database, callers),
        site(std::move(keys)),
        artifacts(std::move(store_of_artifacts)),
        enrolment{store,
                  site.machines(),
                  nonces,
                  refusals,
                  [this] { return inventory.enrolment(); },
                  now,
                  limits(settings),
                  [this](const NodeName& node, const std::string& member_key) {
                    return members.publish(node.cluster, node.node, member_key);
                  },
                  std::move(regions)},
        publishing{
            store,
            sealing,
            site,
            current,
            now,
            [this](const std::string& cluster) { return banned_machines(store, cluster); },
            [](const std::string& cluster, const std::string& node, Transaction& transaction) {
              forget_machine({cluster, node}, transaction);
            }},
        tokens(settings.metadata_tokens),
        members(publishing),
        reports(store),
        rooms{{store, sealing, site, current, publishing, enrolment, reports,
               [this](const std::string& cluster) { return inventory.reload(store, cluster); },
               ends, agent},
              artifacts,
              tokens,
              [this] { return inventory.boot(); },
              metrics,
              audit_path(settings),
              &encoder},
        router(rooms, callers, metrics, group_id(settings.admin_group)),
        upkeep(rooms, settings) {}

  Settings settings;
  SealingKey sealing;
  std::unique_ptr<SqliteStore> database;
  CallerCache callers;
  CallerWatchingStore store;
  SiteKeys site;
  ArtifactStore artifacts;
  NoncePool nonces;
  RefusalLog refusals;
  InventorySlot inventory;
  EnrolmentContext enrolment;
  CurrentDocuments current;
  PublishContext publishing;
  MetadataTokens tokens;
  MemberPublisher members;
  MachineReports reports;
  Metrics metrics;
  ClusterEnds ends;
  AgentPackage agent;
  ArtifactEncoder encoder{artifacts};
  Rooms rooms;
  Router router;
  Upkeep upkeep;
  TimePoint renew_tls_at;
  std::vector<std::unique_ptr<Listener>> listeners;

  [[nodiscard]] Result<void> load();
  [[nodiscard]] std::map<std::string, std::int64_t> seconds_left() const;
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] Result<SslContext> tls_for(ListenerKind kind) const;
};

std::map<std::string, std::int64_t> Server::Parts::seconds_left() const {
  auto left = ends.all();
  const std::int64_t time = unix_seconds(now());
  for (auto& [cluster, seconds] : left) seconds = std::max<std::int64_t>(0, seconds - time);
  return left;
}

Result<void> Server::Parts::load() {
  if (auto loaded = current.load(store); !loaded) return loaded;
  if (auto loaded = inventory.load(store); !loaded) return loaded;
  if (auto loaded = reports.load(); !loaded) return loaded;
  if (auto loaded = ends.load(store); !loaded) return loaded;
  if (auto loaded = agent.load(store); !loaded) return loaded;
  reports.begin(now());
  if (auto known = expect_members(rooms); !known)
    return fail(known.error().kind, known.error().message);
  metrics.set_expiries([this] { return certificate_expiries(rooms); });
  metrics.set_cluster_ends([this] { return seconds_left(); });
  metrics.set_encodings_pending([this] { return encoder.pending(); });
  metrics.set_machines([this] { return count_machines(rooms); });
  return {};
}

Result<SslContext> Server::Parts::tls_for(ListenerKind kind) const {
  const auto client = kind == ListenerKind::enrol ? ClientCertificate::optional_may_expire
                                                  : ClientCertificate::required;
  const auto tls = site.server_tls(client, tls_lifetime, now());
  if (!tls) return pass(tls.error());
  return make_server_context(*tls);
}

Result<void> Server::Parts::listen() {
  renew_tls_at = now() + tls_lifetime / 2;
  for (const ListenerSettings* wanted :
       {&settings.boot, &settings.enrol, &settings.node, &settings.scrape, &settings.admin}) {
    SslContext tls;
    if (wanted->tls) {
      auto made = tls_for(wanted->kind);
      if (!made) return pass(made.error());
      tls = std::move(*made);
    }
    auto opened = Listener::open(*wanted, router, std::move(tls));
    if (!opened) return pass(opened.error());
    metrics.watch(wanted->kind, (*opened)->counters());
    listeners.push_back(std::move(*opened));
  }
  return {};
}

Result<std::string> initialise_server(const Settings& settings) {
  if (auto made = make_folder(settings.state_directory); !made) return pass(made.error());
  const auto sealing = SealingKey::load_or_create(sealing_key_path(settings));
  if (!sealing) return pass(sealing.error());
  const auto store =
      SqliteStore::open(database_path(settings), SqliteStore::OpenMode::create_if_missing);
  if (!store) return pass(store.error());
  const auto artifacts = ArtifactStore::open(artifacts_path(settings));
  if (!artifacts) return pass(artifacts.error());
  const auto site = initialise_site(**store, *sealing, server_addresses(settings), now());
  if (!site) return pass(site.error());
  return site->site();
}

Result<void> take_site_key(const Settings& settings, NewKeyFile file) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  return take_site_key(*opened->store, opened->sealing, std::move(file), now());
}

Result<void> return_site_key(const Settings& settings, const PrivateKey& key) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  return return_site_key(*opened->store, opened->sealing, key, now());
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() {
  stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
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
      std::move(*artifacts), std::move(*regions))));
  if (auto loaded = server->parts_->load(); !loaded) return pass(loaded.error());
  if (auto listening = server->parts_->listen(); !listening) return pass(listening.error());
  return server;
}

Result<void> Server::tick() {
  Parts& parts = *parts_;
  if (now() >= parts.renew_tls_at) {
    for (const auto& listener : parts.listeners) {
      if (!listener->settings().tls) continue;
      auto tls = parts.tls_for(listener->settings().kind);
      if (!tls) return pass(tls.error());
      listener->set_tls(std::move(*tls));
    }
    parts.renew_tls_at = now() + tls_lifetime / 2;
    spdlog::info("renewed the listeners' certificate");
  }
  if (auto flushed = parts.reports.flush(); !flushed) return flushed;
  if (auto kept = parts.upkeep.tick(); !kept) return kept;
  const auto answers = parts.store.get(kinds::site, kinds::site_settings_key);
  if (!answers) return pass(answers.error());
  return {};
}

void Server::stop(std::chrono::milliseconds grace) {
  for (const auto& listener : parts_->listeners) listener->stop(grace);
  if (auto flushed = parts_->reports.flush(); !flushed) {
    spdlog::error("writing what was served: {}", flushed.error().message);
  }
}

std::string Server::describe() const {
  std::string text;
  for (const auto& listener : parts_->listeners) {
    text += fmt::format("{} {}, ", name(listener->settings().kind), listener->address());
  }
  return text + fmt::format("{} clusters", parts_->current.clusters().size());
}

}  // namespace muster
