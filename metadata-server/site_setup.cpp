#include "site_setup.hpp"

#include <fmt/ranges.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "artifact/artifact_store.hpp"
#include "backup/recovery_key.hpp"
#include "backup/restore.hpp"
#include "backup/store_mark.hpp"
#include "trust/site_key_custody.hpp"
#include "trust/site_keys.hpp"
#include "trust/site_record.hpp"

namespace muster {
namespace {

TimePoint this_moment() {
  return std::chrono::system_clock::now();
}

Result<void> make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail_errno(errno, fmt::format("creating the state folder '{}'", path));
}

Result<void> make_parents(const std::string& path) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return fail_errno(error.value(), fmt::format("creating the folder of '{}'", path));
  return {};
}

bool is_there(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

std::string sealed_text(const BegunAnew& begun) {
  if (begun.sealed.empty()) return "It has no cluster. Start muster-server.";
  return fmt::format(
      "Sealed, until you open each: {}. Start muster-server, wait for the machines, then: muster restore status",
      fmt::join(begun.sealed, ", "));
}

Result<void> check_addresses(const ServerAddresses& known, const Settings& settings,
                             bool may_move) {
  if (may_move || !shared_addresses(known, server_addresses(settings)).empty()) return {};
  return fail(
      ErrorKind::invalid,
      fmt::format(
          "advertise: expected at least one of the addresses by which machines know the server, {}; found {}. Give this machine one of them (or its name in DNS) and the same ports; or repeat with --move, and every machine has to be told its new address by hand",
          fmt::join(known.node, ", "), fmt::join(server_addresses(settings).node, ", ")));
}

std::string restored_text(const RestoredSite& site, const Settings& settings,
                          const ServerRestore& order) {
  std::string text = fmt::format("restored the site {} in epoch {}. {}", site.header.site,
                                 site.begun.epoch, sealed_text(site.begun));
  if (site.wrote_settings) text += fmt::format("\nits settings are in {}", order.settings_path);
  if (shared_addresses(site.known, server_addresses(settings)).empty() && !site.machines.empty())
    text += fmt::format(
        "\nthese know no address of this server, and need another in enrolServers of their agent.json: {}",
        fmt::join(site.machines, ", "));
  return text;
}

}  // namespace

Result<OpenedStore> open_store(const Settings& settings) {
  auto sealing = SealingKey::load(sealing_key_path(settings));
  if (!sealing)
    return while_doing(sealing.error(), "the sealing key (`muster-server init` makes it)");
  auto store = SqliteStore::open(database_path(settings), SqliteStore::OpenMode::must_exist);
  if (!store) return pass(store.error());
  return OpenedStore{std::move(*sealing), std::move(*store)};
}

Result<InitialisedServer> initialise_server(const Settings& settings) {
  if (auto made = make_folder(settings.state_directory); !made) return pass(made.error());
  if (!is_there(database_path(settings))) {
    if (auto none = check_no_mark(mark_path(settings)); !none) return pass(none.error());
  }
  const auto sealing = SealingKey::load_or_create(sealing_key_path(settings));
  if (!sealing) return pass(sealing.error());
  const auto store =
      SqliteStore::open(database_path(settings), SqliteStore::OpenMode::create_if_missing);
  if (!store) return pass(store.error());
  const auto artifacts = ArtifactStore::open(artifacts_path(settings));
  if (!artifacts) return pass(artifacts.error());
  const auto site = initialise_site(**store, *sealing, server_addresses(settings), this_moment());
  if (!site) return pass(site.error());
  InitialisedServer made;
  made.pin = site->site();
  const auto known = find_recovery_key(**store);
  const bool is_unread = !known && known.error().kind == ErrorKind::corrupt;  // the status tells it
  if (!known && !is_unread) return pass(known.error());
  if (is_unread || *known) return made;
  auto key = PrivateKey::generate_p256();
  if (!key) return pass(key.error());
  made.recovery_key = std::move(*key);
  return made;
}

Result<void> take_shown_recovery_key(const Settings& settings, const PrivateKey& key) {
  const auto certificate = recovery_certificate(key);
  if (!certificate) return pass(certificate.error());
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  return set_first_recovery_key(*opened->store, certificate->pem(), "server", this_moment());
}

Result<SiteKeyTaken> take_site_key(const Settings& settings, NewKeyFile file) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  return take_site_key(*opened->store, opened->sealing, std::move(file), this_moment());
}

Result<void> return_site_key(const Settings& settings, const PrivateKey& key) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  return return_site_key(*opened->store, opened->sealing, key, this_moment());
}

namespace {

// Before anything is laid down: they say where.
Result<Settings> settings_of_backup(const ServerRestore& order, const BackupHeader& header) {
  const auto text = read_backup_settings(order.file, header, order.recovery_key);
  if (!text) return pass(text.error());
  auto settings = parse_settings(*text);
  if (!settings)
    return while_doing(settings.error(),
                       fmt::format("the settings in '{}', which a file at '{}' would replace",
                                   order.file, order.settings_path));
  return settings;
}

Result<void> make_folders(const Settings& settings, const std::string& settings_path) {
  for (const auto& path : {settings.state_directory, sealing_key_path(settings), settings_path}) {
    if (auto made = make_parents(path); !made) return made;
    if (path != settings.state_directory) continue;
    if (auto made = make_folder(path); !made) return made;
  }
  return {};
}

}  // namespace

Result<RestoredServer> restore_server(const std::optional<Settings>& given,
                                      const ServerRestore& order) {
  const auto backup = verify_backup(order.file, order.pin);
  if (!backup) return pass(backup.error());
  auto opens = check_recovery_key(order.file, backup->header, order.recovery_key);
  if (!opens) return pass(opens.error());
  if (given) {
    auto reached = check_addresses(backup->servers, *given, order.may_move);
    if (!reached) return pass(reached.error());
  }
  const auto settings = given ? *given : settings_of_backup(order, backup->header);
  if (!settings) return pass(settings.error());
  if (auto made = make_folders(*settings, order.settings_path); !made) return pass(made.error());
  const auto restored = restore_backup(
      {order.file, order.pin, order.recovery_key, database_path(*settings),
       sealing_key_path(*settings), mark_path(*settings), given ? "" : order.settings_path},
      this_moment());
  if (!restored) return pass(restored.error());
  return RestoredServer{restored_text(*restored, *settings, order), settings->state_directory};
}

Result<std::string> take_copy(const Settings& settings) {
  auto opened = open_store(settings);
  if (!opened) return pass(opened.error());
  const auto revision = opened->store->commit({});
  if (!revision) return pass(revision.error());
  auto is_copy = StoreMark::check_is_copy(*opened->store, mark_path(settings), *revision);
  if (!is_copy) return pass(is_copy.error());
  const auto begun = begin_anew(*opened->store, mark_path(settings), std::nullopt, this_moment());
  if (!begun) return pass(begun.error());
  return fmt::format("this copy is the site's store from now on, in epoch {}. {}", begun->epoch,
                     sealed_text(*begun));
}

}  // namespace muster
