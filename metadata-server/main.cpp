// muster-server: settings, logs, signals and the service manager around Server.
#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "result/version.hpp"
#include "server.hpp"
#include "settings.hpp"
#include "site_setup.hpp"

namespace {

using namespace muster;

constexpr const char* usage = R"(muster-server: the metadata server of Muster

  muster-server [--settings FILE]         serves until SIGTERM
  muster-server [--settings FILE] init    makes the state folder, the sealing key and the site; prints the
                                          site pin, and once the recovery key: keep it elsewhere, it alone
                                          opens backups; changes nothing when they are there
  muster-server [--settings FILE] take-site-key OUT
                                          moves the site key to the new file OUT, so that who has this server
                                          cannot change who signs documents; stop the server first
  muster-server [--settings FILE] return-site-key FILE
                                          puts it back; stop the server first
  muster-server [--settings FILE] restore BACKUP --pin PIN --key KEYFILE [--move]
                                          lays down what `muster backup` made, on a machine without a site;
                                          FILE is written from it where it is missing. --move: to addresses
                                          that no machine knows
  muster-server [--settings FILE] take-copy
                                          takes in an older copy of the store that was put back as it is, as
                                          if it had been restored; stop the server first
  muster-server --help | --version        --help after any of these, too

FILE is /etc/muster/server.json where it is not given. Its one required field is "advertise": the
addresses under which machines reach this server. metadata-server/README.md lists the others.

Exit status: 0 done; 1 what may go away by itself (a full disk, a port in use), and the unit tries again;
2 what stays until a person does something: a wrong word, file, key, pin or setting, a damaged record.)";

struct Arguments {
  std::string settings = "/etc/muster/server.json";
  bool init = false, help = false, version = false;
  bool take_copy = false, move = false;
  std::string take_site_key, return_site_key, restore, key;  // files
  std::string pin;
};

Result<Arguments> parse_arguments(int count, char** values) {
  Arguments arguments;
  arguments.help =
      std::find(values + 1, values + count, std::string_view("--help")) != values + count;
  if (arguments.help) return arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = values[i];
    if (argument == "--settings" && i + 1 < count) {
      arguments.settings = values[++i];
    } else if (argument == "take-site-key" && i + 1 < count) {
      arguments.take_site_key = values[++i];
    } else if (argument == "return-site-key" && i + 1 < count) {
      arguments.return_site_key = values[++i];
    } else if (argument == "restore" && i + 1 < count) {
      arguments.restore = values[++i];
    } else if (argument == "--pin" && i + 1 < count) {
      arguments.pin = values[++i];
    } else if (argument == "--key" && i + 1 < count) {
      arguments.key = values[++i];
    } else if (argument == "--move") {
      arguments.move = true;
    } else if (argument == "take-copy") {
      arguments.take_copy = true;
    } else if (argument == "init") {
      arguments.init = true;
    } else if (argument == "--version") {
      arguments.version = true;
    } else {
      return fail(
          ErrorKind::invalid,
          fmt::format(
              "argument '{}': expected --settings FILE, init, take-site-key OUT, return-site-key FILE, restore BACKUP, take-copy, --help or --version",
              argument));
    }
  }
  if (!arguments.restore.empty() && (arguments.pin.empty() || arguments.key.empty()))
    return fail(
        ErrorKind::invalid,
        "restore: expected --pin PIN (`muster init` shows it; machines have it as sitePin) and --key KEYFILE (the recovery key), found one of them missing");
  return arguments;
}

void set_up_logs(const std::string& level) {
  // Under systemd the journal has time and priority of its own.
  const bool journal = getenv("JOURNAL_STREAM") != nullptr;
  auto logger = journal ? spdlog::systemd_logger_mt("muster-server")
                        : spdlog::stderr_logger_mt("muster-server");
  if (!journal) logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_level(spdlog::level::from_str(level));
}

// Thousands of machines keep a connection each.
void allow_many_files() {
  struct rlimit files {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// A publication's texts are hundreds of KiB each: given back to the kernel after each use, reading
// them in again is a fifth of its work. What may stay in use for nothing is 16 MiB for each arena.
void keep_freed_memory() {
  constexpr int kept = 16 << 20;  // bytes
  constexpr int arenas = 4;
  mallopt(M_MMAP_THRESHOLD, kept);
  mallopt(M_TRIM_THRESHOLD, kept);
  mallopt(M_ARENA_MAX, arenas);
}

// Run by root, init works as the owner of the state folder: what it makes is for the service to
// read.
Result<void> become_owner_of(const std::string& folder) {
  struct stat found {};
  if (geteuid() != 0 || stat(folder.c_str(), &found) != 0 || found.st_uid == 0) return {};
  if (setgroups(0, nullptr) == 0 && setgid(found.st_gid) == 0 && setuid(found.st_uid) == 0) {
    return {};
  }
  return fail_errno(
      errno, fmt::format("becoming user {}, who owns the state folder '{}'", found.st_uid, folder));
}

// The two of `usage`; after 2 the unit does not try again (RestartPreventExitStatus).
int exit_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::conflict:
    case ErrorKind::unauthenticated:
    case ErrorKind::forbidden:
    case ErrorKind::corrupt:
      return 2;
    default:
      return 1;
  }
}

int complain(const Error& error) {
  std::fprintf(stderr, "muster-server: %s\n", error.message.c_str());
  return exit_status(error.kind);
}

// Of what works with the site's store; a file that was given is none of its records.
int complain_of_store(const Error& error) {
  const int status = complain(error);
  if (error.kind == ErrorKind::corrupt)
    std::fputs(
        "muster-server: nothing is served without that record: restore the site from a backup, muster-server restore FILE (see `muster-server restore --help`)\n",
        stderr);
  return status;
}

// Returns the signal that ends the server.
int serve_until_signal(Server& server, const sigset_t& signals) {
  bool healthy = true;
  for (;;) {
    const struct timespec second { 1, 0 };
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) return signal;
    const auto alive = server.check_alive();
    if (alive) {
      sd_notify(0, "WATCHDOG=1");
      if (!healthy) sd_notifyf(0, "STATUS=%s", server.describe().c_str());
    } else if (healthy) {
      spdlog::error("{}", alive.error().message);
      sd_notifyf(0, "STATUS=not healthy: %s", alive.error().message.c_str());
    }
    healthy = alive.has_value();
  }
}

std::string taken_text(SiteKeyTaken taken, const std::string& path) {
  switch (taken) {
    case SiteKeyTaken::completed:
      return fmt::format(
          "'{0}' was there, from a run that was interrupted, which is completed: the site key is in '{0}' and nowhere else",
          path);
    case SiteKeyTaken::before:
      return fmt::format("the site key was taken before: it is in '{}'", path);
    default:
      return fmt::format("the site key is in '{}' and nowhere else", path);
  }
}

// The file is the caller's, the store its owner's.
Result<std::string> move_site_key(const Settings& settings, const Arguments& arguments) {
  if (!arguments.take_site_key.empty()) {
    auto file = NewKeyFile::create_or_find(arguments.take_site_key);
    if (!file) return pass(file.error());
    if (auto became = become_owner_of(settings.state_directory); !became)
      return pass(became.error());
    const auto taken = take_site_key(settings, std::move(*file));
    if (!taken) return pass(taken.error());
    return taken_text(*taken, arguments.take_site_key);
  }
  const auto key = read_key_file(arguments.return_site_key);
  if (!key) return pass(key.error());
  if (auto became = become_owner_of(settings.state_directory); !became) return pass(became.error());
  if (auto returned = return_site_key(settings, *key); !returned) return pass(returned.error());
  return std::string("the site key is on this server again");
}

// What root laid down is for the service to read.
Result<void> give_to_owner_of(const std::string& folder) {
  struct stat found {};
  if (geteuid() != 0 || stat(folder.c_str(), &found) != 0 || found.st_uid == 0) return {};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (lchown(entry.path().c_str(), found.st_uid, found.st_gid) != 0)
      return fail_errno(errno, fmt::format("giving '{}' to its owner", entry.path().string()));
  }
  return {};
}

// Backup and key are the caller's, as root reads them; the state folder is its owner's.
Result<std::string> restore(const std::optional<Settings>& settings, const Arguments& arguments) {
  const auto key = read_key_file(arguments.key);
  if (!key) return pass(key.error());
  const auto restored = restore_server(
      settings, {arguments.restore, arguments.pin, arguments.settings, *key, arguments.move});
  if (!restored) return pass(restored.error());
  if (auto given = give_to_owner_of(restored->state_directory); !given) return pass(given.error());
  return restored->text;
}

// Settings that a backup brings need not be there yet.
Result<std::optional<Settings>> settings_for(const Arguments& arguments) {
  struct stat found {};
  const bool is_missing = stat(arguments.settings.c_str(), &found) != 0 && errno == ENOENT;
  if (is_missing && !arguments.restore.empty()) return std::nullopt;
  auto settings = load_settings(arguments.settings);
  if (!settings) return pass(settings.error());
  return std::move(*settings);
}

// All of it, on disk where it is a file: what is shown once must not be lost on its way.
Result<void> show(const std::string& text) {
  const bool is_written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!is_written) return fail_errno(errno, "writing to the standard output");
  const bool is_kept = fsync(STDOUT_FILENO) == 0 || errno == EINVAL || errno == EROFS ||
                       errno == ENOTSUP;  // no file: a terminal, a pipe
  if (!is_kept) return fail_errno(errno, "writing to the standard output");
  return {};
}

int initialise(const Settings& settings) {
  const auto made = initialise_server(settings);
  if (!made) return complain_of_store(made.error());
  std::string text = fmt::format("site pin {}\n", made->pin);
  if (made->recovery_key)
    text += fmt::format(
        "\nThe recovery key follows. It alone opens this site's backups (muster backup FILE), and it is shown this once: keep it elsewhere.\n{}",
        made->recovery_key->pem());
  if (auto shown = show(text); !shown)
    return complain(
        made->recovery_key
            ? Error{shown.error().kind, shown.error().code,
                    shown.error().message +
                        "; the recovery key may not have been shown, and is not the site's: run init again, which makes another"}
            : shown.error());
  if (!made->recovery_key) return 0;
  auto taken = take_shown_recovery_key(settings, *made->recovery_key);
  if (taken) return 0;
  return complain_of_store(
      while_doing(
          taken.error(),
          "the recovery key above is not the site's, run init again, which makes another where there is none")
          .value());
}

int print_or_complain(const Result<std::string>& done, int (*complain_so)(const Error&)) {
  if (!done) return complain_so(done.error());
  const auto shown = show(*done + "\n");
  return shown ? 0 : complain(shown.error());
}

int serve(const Settings& settings) {
  // Before any thread: all of them inherit the mask, and the main thread takes the signals.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a limit of files' sizes is an error of the write (EFBIG)
  allow_many_files();
  keep_freed_memory();
  auto server = Server::start(settings);
  if (!server) return complain_of_store(server.error());
  const std::string description = (*server)->describe();
  spdlog::info("ready: {}", description);
  sd_notifyf(0, "READY=1\nSTATUS=%s", description.c_str());
  const int signal = serve_until_signal(**server, signals);
  spdlog::info("stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  sd_notify(0, "STOPPING=1\nSTATUS=finishing what is in progress");
  (*server)->stop(std::chrono::seconds(5));
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const auto arguments = parse_arguments(count, values);
  if (!arguments) return complain(arguments.error());
  if (arguments->help) return print_or_complain(std::string(usage), complain);
  if (arguments->version)
    return print_or_complain(fmt::format("muster-server {}", program_version), complain);
  const auto found = settings_for(*arguments);
  if (!found) return complain(found.error());
  set_up_logs(*found ? (*found)->log_level : Settings().log_level);
  if (!arguments->restore.empty()) return print_or_complain(restore(*found, *arguments), complain);
  const Settings& settings = **found;
  if (!arguments->take_site_key.empty() || !arguments->return_site_key.empty()) {
    return print_or_complain(move_site_key(settings, *arguments), complain_of_store);
  }
  if (!arguments->init && !arguments->take_copy) return serve(settings);
  if (auto became = become_owner_of(settings.state_directory); !became) {
    return complain(became.error());
  }
  return arguments->take_copy ? print_or_complain(take_copy(settings), complain_of_store)
                              : initialise(settings);
}
