#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "pki/key_file.hpp"
#include "pki/recovery_box.hpp"
#include "pki/signature.hpp"
#include "result/child_process.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

constexpr std::string_view file_start = "muster-", file_end = ".backup";

struct BackupChoice {
  std::string file;
  bool force = false;
  std::string folder, run;
  std::size_t keep = 14;
};

// "muster-20261202T013000Z.backup": sorts by time.
std::string name_of_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return fmt::format("{}{}{}", file_start, text, file_end);
}

// Whole and durable, or not at all. Answers its digest.
Result<std::string> fetch(Session& session, const std::string& path) {
  const std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  FileDescriptor file(
      ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", unfinished));
  DigestStream digest;
  const auto told = session.download("backup/file", [&](std::string_view bytes) {
    digest.update(bytes);
    return write_all(file.get(), bytes, unfinished);
  });
  Result<void> done;
  if (!told) done = pass(told.error());
  const std::string found = digest.finish();
  if (done && found != *told)
    done = fail(
        ErrorKind::corrupt,
        fmt::format("backup: expected {} from the server, received {}; try again", *told, found));
  if (done) done = move_into_place(unfinished, path);
  if (done) return found;
  ::unlink(unfinished.c_str());
  return pass(done.error());
}

Result<void> hand_over(const std::string& program, const std::string& file) {
  ChildProgram order;
  order.arguments = {program, file};
  auto child = ChildProcess::start(order);
  if (!child) return while_doing(child.error(), "--run");
  const int status = child->wait();
  if (status == 0) return {};
  return fail(ErrorKind::io,
              fmt::format("'{} {}': expected exit status 0, found {}; the backup counts as none",
                          program, file, status));
}

// Of those that this made, all but the newest.
Result<void> remove_older(const std::string& folder, std::size_t keep) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(file_start) && name.ends_with(file_end)) files.push_back(entry.path());
  }
  if (error) return fail(ErrorKind::io, fmt::format("'{}': {}", folder, error.message()));
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + keep < files.size(); ++i) {
    if (::unlink(files[i].c_str()) != 0)
      return fail_errno(errno, fmt::format("removing '{}'", files[i].string()));
  }
  return {};
}

Exit make(Session& session, const BackupChoice& choice) {
  if (choice.file.empty() == choice.folder.empty()) {
    std::fprintf(stderr,
                 "muster: expected FILE or --folder DIR, found %s; see muster backup --help\n",
                 choice.file.empty() ? "neither" : "both");
    return Exit::usage;
  }
  const std::string path = choice.file.empty() ? choice.folder + "/" + name_of_now() : choice.file;
  struct stat found {};
  if (!choice.force && ::stat(path.c_str(), &found) == 0)
    return complain(session,
                    Error(ErrorKind::conflict,
                          fmt::format("'{}': is there already; --force replaces it", path)));
  const auto digest = fetch(session, path);
  if (!digest) return complain(session, digest.error());
  if (!choice.run.empty()) {
    if (auto taken = hand_over(choice.run, path); !taken) return complain(session, taken.error());
  }
  auto kept = session.ask("PUT", "backup", {{"digest", *digest}});
  if (!kept) return complain(session, kept.error());
  if (!choice.folder.empty()) {
    if (auto removed = remove_older(choice.folder, choice.keep); !removed)
      return complain(session, removed.error());
  }
  if (session.wants_json()) {
    (*kept)["file"] = path;
    print(json_text(*kept));
  } else {
    print(fmt::format("backed up to '{}'; it opens with the recovery key {}\n", path,
                      cell(*kept, "/last/recoveryKey")));
  }
  return Exit::ok;
}

Exit make_key(Session& session, const std::string& path) {
  auto file = NewKeyFile::create(path);
  if (!file) return complain(session, file.error());
  const auto key = PrivateKey::generate_p256();
  if (!key) return complain(session, key.error());
  const auto certificate = recovery_certificate(*key);
  if (!certificate) return complain(session, certificate.error());
  if (auto written = file->write(*key); !written) return complain(session, written.error());
  auto answer = session.ask("PUT", "backup/key", {{"certificate", certificate->pem()}});
  if (!answer) {
    ::unlink(path.c_str());
    return complain(session, answer.error());
  }
  print(
      session.wants_json()
          ? json_text(*answer)
          : fmt::format(
                "recovery key {}; its private half is in '{}' and nowhere else: keep it where this server is not\nbackups from now on open with it alone: make one now (muster backup FILE), and keep the older key with the older ones\n",
                cell(*answer, "/recoveryKey/fingerprint"), path));
  return Exit::ok;
}

std::string status_text(const nlohmann::json& answer) {
  std::string text = fmt::format("recovery key  {}\n", cell(answer, "/recoveryKey/fingerprint"));
  text += fmt::format("last backup   {}\n", time_text(answer, "/last/madeAt"));
  text += fmt::format("in no backup  {}\n", cell(answer, "/unsaved"));
  if (const auto message = cell(answer, "/message"); !message.empty())
    text += fmt::format("{}\n  cure: {}\n", printable(message), printable(cell(answer, "/cure")));
  return text;
}

}  // namespace

void add_backup_commands(CommandLine& line) {
  auto choice = std::make_shared<BackupChoice>();
  auto* backup = line.app.add_subcommand(
      "backup", "Database, keys and settings in one file that the recovery key alone opens");
  backup->add_option("FILE", choice->file, "the file to write (mode 0600)");
  backup->add_flag("--force", choice->force, "replaces FILE");
  backup->add_option("--folder", choice->folder, "instead of FILE: a new file in this folder")
      ->check(CLI::ExistingDirectory);
  backup->add_option("--keep", choice->keep, "how many stay in --folder")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  backup->add_option(
      "--run", choice->run,
      "a program that takes the file elsewhere, run as PROGRAM FILE; the backup counts once it ends with 0");
  backup->require_subcommand(0, 1);
  backup->footer(
      "Artifacts are not in it: releases are imported again. metadata-server/backup/README.md: the server burned down.\n"
      "Example: muster backup /mnt/safe/muster.backup");

  auto* key = backup->add_subcommand("key", "the key that opens backups");
  key->require_subcommand(1);
  auto out = std::make_shared<std::string>();
  auto* made =
      key->add_subcommand("new", "makes one here; only its public half leaves this machine");
  made->add_option("--out", *out, "the new file of the private key (mode 0600)")->required();
  made->footer("Example: muster backup key new --out recovery.key");

  auto* show = backup->add_subcommand("show", "which backup is kept, and what is in none");
  show->footer("Example: muster backup show");

  // One action for all: the callback of a group runs after those of its commands.
  line.on(backup, [=](Session& session) {
    if (made->parsed()) return make_key(session, *out);
    if (show->parsed()) return ask_and_show(session, "GET", "backup", nullptr, status_text);
    return make(session, *choice);
  });
}

}  // namespace muster
