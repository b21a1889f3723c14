#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/answer.hpp"
#include "cli/backup_folder.hpp"
#include "cli/session.hpp"
#include "pki/key_file.hpp"
#include "pki/recovery_box.hpp"
#include "pki/signature.hpp"
#include "result/child_process.hpp"
#include "result/durable_file.hpp"

namespace muster {
namespace {

struct BackupChoice {
  std::string file;
  bool force = false;
  std::string run;
  FolderPolicy in;  // no folder: FILE
};

Result<NewBackup> create_file(const BackupChoice& choice) {
  struct stat found {};
  if (!choice.force && ::stat(choice.file.c_str(), &found) == 0)
    return fail(ErrorKind::conflict,
                fmt::format("'{}': is there already; --force replaces it", choice.file));
  ::unlink(unfinished(choice.file).c_str());
  return create_backup(choice.file);
}

Result<void> on_this_disk(Result<void> written) {
  if (!written && written.error().kind == ErrorKind::exhausted)
    written.error().message +=
        " (ENOSPC); nothing is left of it: free some space there, or name a place with more";
  return written;
}

// Whole and durable, or not at all. Answers its digest.
Result<std::string> fetch(Session& session, const NewBackup& made) {
  const std::string name = unfinished(made.path);
  DigestStream digest;
  const auto told = session.download("backup/file", [&](std::string_view bytes) {
    digest.update(bytes);
    return on_this_disk(write_all(made.file.get(), bytes, name));
  });
  Result<void> done;
  if (!told) done = pass(told.error());
  const std::string found = digest.finish();
  if (done && found != *told)
    done = fail(
        ErrorKind::corrupt,
        fmt::format("backup: expected {} from the server, received {}; try again", *told, found));
  if (done) done = on_this_disk(move_into_place(name, made.path));
  if (done) return found;
  ::unlink(name.c_str());
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

// Taken away and told to the server: from then on it counts.
Result<nlohmann::json> keep(Session& session, const BackupChoice& choice, const std::string& path,
                            const std::string& digest) {
  if (!choice.run.empty()) {
    if (auto taken = hand_over(choice.run, path); !taken) return pass(taken.error());
  }
  return session.ask("PUT", "backup", {{"digest", digest}});
}

void warn_of_damage(const nlohmann::json& kept) {
  for (const auto& record : list_at(kept, "/last/damaged"))
    std::fprintf(
        stderr,
        "muster: warning: %s cannot be read, and is in this backup as damaged as it is here; keep an older one that has it whole (muster status)\n",
        printable(cell(record, "")).c_str());
}

Exit make(Session& session, const BackupChoice& choice) {
  if (choice.file.empty() == choice.in.folder.empty()) {
    std::fprintf(stderr,
                 "muster: expected FILE or --folder DIR, found %s; see muster backup --help\n",
                 choice.file.empty() ? "neither" : "both");
    return Exit::usage;
  }
  auto made = choice.file.empty() ? create_backup_in(choice.in.folder) : create_file(choice);
  if (!made) return complain(session, made.error());
  const std::string& path = made->path;
  const auto digest = fetch(session, *made);
  if (!digest) return complain(session, digest.error());
  auto kept = keep(session, choice, path, *digest);
  Result<void> removed;
  // Also where nobody took it away: an hourly failure is not to fill the disk.
  if (!choice.in.folder.empty()) {
    const auto now = kept ? kept : session.ask("GET", "backup");
    if (now) removed = remove_older(choice.in, path, number_at(*now, "/last/revision"));
  }
  if (!kept) return complain(session, kept.error());
  warn_of_damage(*kept);
  if (!removed) return complain(session, removed.error());
  if (session.wants_json()) {
    (*kept)["file"] = path;
    print(json_text(*kept));
  } else {
    print(fmt::format("backed up to '{}'; it opens with the recovery key {}\n", path,
                      cell(*kept, "/last/recoveryKey")));
  }
  return Exit::ok;
}

// A key that the server may have taken is kept: backups from then on open with it alone.
Error without_answer(const Session& session, const std::string& path, Error error) {
  const bool is_refused =
      session.answered && error.kind != ErrorKind::unavailable && error.kind != ErrorKind::internal;
  if (is_refused) {
    ::unlink(path.c_str());
    return error;
  }
  error.message += fmt::format(
      "; whether the server has this key is not known, so its private half stays in '{}': look with `muster backup show`, and make another key where it has none of now",
      path);
  return error;
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
  if (!answer) return complain(session, without_answer(session, path, answer.error()));
  print(
      session.wants_json()
          ? json_text(*answer)
          : fmt::format(
                "recovery key {}; its private half is in '{}' and nowhere else: keep it where this server is not\nbackups from now on open with it alone: make one now (muster backup FILE), and keep the older key with the older ones\n",
                cell(*answer, "/recoveryKey/fingerprint"), path));
  return Exit::ok;
}

std::string status_text(const nlohmann::json& answer) {
  const auto or_none = [](const std::string& found) { return found.empty() ? "none" : found; };
  std::string last = time_text(answer, "/last/madeAt"), unsaved;
  if (!last.empty()) last += "; opens with " + cell(answer, "/last/recoveryKey");
  for (const auto& row : list_at(answer, "/unsaved")) {
    const std::string owner = cell(row, "");
    unsaved += (unsaved.empty() ? "" : ", ") + (owner == "-" ? "the site" : printable(owner));
  }
  std::string text = fmt::format("recovery key  {}\nlast backup   {}\nin no backup  {}\n",
                                 or_none(cell(answer, "/recoveryKey/fingerprint")), or_none(last),
                                 or_none(unsaved));
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
  backup->add_option("--folder", choice->in.folder, "instead of FILE: a new file in this folder")
      ->check(CLI::ExistingDirectory);
  backup->add_option("--keep", choice->in.keep, "how many stay in --folder")
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
