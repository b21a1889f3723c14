#include "agent/own_state.hpp"

#include <array>

#include "agent/adoption.hpp"
#include "agent/foundation/secret_digest.hpp"
#include "agent/paths.hpp"
#include "agent/session/identity.hpp"
#include "agent/state/checkpoint_json.hpp"
#include "agent/state/set_aside.hpp"
#include "agent/state/settled_document.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr std::int64_t damage_told_for = 86'400;  // seconds

using Check = std::function<Result<void>(std::string_view text)>;

Result<void> check_envelope(std::string_view text) {
  const auto envelope = parse_envelope(text);
  return envelope ? Result<void>() : pass(envelope.error());
}

Result<void> check_checkpoint(std::string_view text) {
  const auto checkpoint = parse_checkpoint(text);
  return checkpoint ? Result<void>() : pass(checkpoint.error());
}

Result<void> check_json(std::string_view text) {
  const auto json = parse_strict_json("file", text, {maximum_envelope_size});
  return json ? Result<void>() : pass(json.error());
}

Result<void> check_key(std::string_view text) {
  const auto key = PrivateKey::from_pem(text);
  return key ? Result<void>() : pass(key.error());
}

struct StateFile {
  const char* path;
  Result<void> (*check)(std::string_view text);
  const char* remedy;
};

// kept_copy.hpp
constexpr const char* copy_or_server =
    "its copy is taken, or else the server is asked for it again";

// The tombstone is not among them: where there is any, nothing may start (tombstone.hpp).
constexpr std::array state_files = {
    StateFile{paths::checkpoint, check_checkpoint,
              "it is made anew of the cached documents and of what runs, and nothing is restarted"},
    StateFile{paths::trust_cache, check_json, copy_or_server},
    StateFile{paths::document_cache, check_envelope, copy_or_server},
    StateFile{paths::peers_cache, check_envelope, copy_or_server},
    StateFile{paths::settings_memory, check_json, "it is written again of the settings"},
    StateFile{paths::enrolment_key, check_key, "another one is made where one is needed"},
    StateFile{paths::secret_digest_key, check_secret_digest_key,
              "another one is made, and each secret is compared with the server's once"},
};

struct StateFolder {
  const char* path;
  std::uint32_t mode;  // 0: whatever it is
};
constexpr std::array state_folders = {StateFolder{paths::state, paths::state_mode},
                                      StateFolder{paths::cache, 0700},
                                      StateFolder{paths::copies, 0700},
                                      StateFolder{paths::settled, 0700},
                                      StateFolder{paths::report_spool, 0700},
                                      StateFolder{paths::identities, 0700},
                                      StateFolder{paths::certificates, 0},
                                      StateFolder{paths::originals, 0700},
                                      StateFolder{paths::downloads, 0},
                                      StateFolder{paths::etcd_snapshots, 0}};

std::string why_in_short(const std::string& text) {
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 300));
}

// "cache/document.json"
std::string name_in_state(const std::string& path) {
  const std::string state = std::string(paths::state) + "/";
  return path.rfind(state, 0) == 0 ? path.substr(state.size()) : path;
}

class Keeper {
 public:
  Keeper(Host& host, Memory& memory, const std::function<void(std::string_view)>& narrate)
      : host_(host), memory_(memory), narrate_(narrate) {}

  Checkpoint keep() {
    memory_.own_unwell.clear();
    for (const auto& folder : state_folders) keep_folder(folder);
    keep_identity_link();
    for (const auto& file : state_files) keep_file(file.path, file.check, file.remedy);
    keep_settled();
    Checkpoint checkpoint = load();
    tell(checkpoint);
    return checkpoint;
  }

 private:
  void found(const std::string& path, const std::string& why, const std::string& what_now) {
    const std::string text = why_in_short(why) + "; " + what_now;
    narrate_(fmt::format("damaged: {}: {}", path, text));
    found_[path] = {text, std::chrono::system_clock::to_time_t(host_.clock.now())};
  }

  void put_aside(const std::string& path, const std::string& why, const std::string& remedy) {
    const auto aside = set_aside(host_.files, path);
    if (aside) {
      found(path, why, fmt::format("set aside as {}; {}", damaged_name(path), remedy));
    } else {
      found(path, why, fmt::format("could not be set aside: {}", aside.error().message));
    }
  }

  void keep_folder(const StateFolder& folder) {
    const auto status = host_.files.status(folder.path);
    if (!status) return;
    if (!host_.files.list(folder.path)) {
      return put_aside(folder.path, "expected a folder, found something else",
                       "it is made again where it is needed");
    }
    const bool is_ours = status->type != FileStatus::Type::directory || folder.mode == 0 ||
                         (status->mode == folder.mode && status->owner == "root");
    if (is_ours) return;
    const auto set = host_.files.make_directory(folder.path, folder.mode);
    narrate_(fmt::format("{}: mode {:04o} of {}, expected {:04o} of root: {}", folder.path,
                         status->mode, status->owner, folder.mode,
                         set ? "put right" : set.error().message));
  }

  // As it was found sound last, by its status: not read again as long as that is the same.
  [[nodiscard]] static std::string stamp_of(const FileStatus& status) {
    return fmt::format("{} {} {} {:o} {}", status.inode, status.modified_ns, status.size,
                       status.mode, status.owner);
  }

  void keep_file(const std::string& path, const Check& check, const std::string& remedy) {
    const auto status = host_.files.status(path);
    if (!status) return;
    std::string& sound = memory_.sound_state[path];
    if (sound == stamp_of(*status)) return;
    sound.clear();
    const auto text = host_.files.read(path);
    const auto checked = text ? check(*text) : pass(text.error());
    if (!checked) return put_aside(path, checked.error().message, remedy);
    if (status->type == FileStatus::Type::file &&
        (status->mode != 0600 || status->owner != "root")) {
      const auto set = host_.files.finish(path, 0600);
      narrate_(fmt::format("{}: mode {:04o} of {}, expected 0600 of root: {}", path, status->mode,
                           status->owner, set ? "put right" : set.error().message));
      return;
    }
    sound = stamp_of(*status);
  }

  void keep_settled() {
    const auto names = host_.files.list(paths::settled);
    for (std::size_t i = 0; names && i < names->size(); ++i) {
      const std::string path = std::string(paths::settled) + "/" + (*names)[i];
      if (!path.ends_with(".json")) continue;
      const auto check = [&path](std::string_view text) -> Result<void> {
        const auto envelope = parse_envelope(text);
        if (!envelope) return pass(envelope.error());
        if (settled_path(digest(*envelope)) == path) return {};
        return fail(ErrorKind::corrupt, "expected the document that its name says, found another");
      };
      keep_file(path, check, "until the machine settles again it has no document to go back to");
    }
  }

  void keep_identity_link() {
    const auto put_back = put_identity_back(host_.files);
    if (!put_back) {
      found(paths::identity, put_back.error().message, "the identity's link was not put back");
    } else if (!put_back->empty()) {
      found(paths::identity, "its link was missing or damaged",
            "put back: it leads to " + *put_back);
    }
  }

  Checkpoint load() {
    const auto text = host_.files.read(paths::checkpoint, largest_checkpoint);
    const bool is_same = memory_.checkpoint_on_disk == (text ? *text : std::string());
    const std::string& unsaved = memory_.unsaved_checkpoint;
    if (is_same && !unsaved.empty()) {
      if (auto checkpoint = parse_checkpoint(unsaved)) return std::move(*checkpoint);
    }
    if (text) {
      if (auto checkpoint = parse_checkpoint(*text)) return std::move(*checkpoint);
    }
    Checkpoint checkpoint = rebuilt_checkpoint(host_);
    const bool is_lost = !checkpoint.node.empty() && found_.count(paths::checkpoint) == 0;
    if (is_lost) found(paths::checkpoint, "missing", state_files.front().remedy);
    if (!checkpoint.node.empty()) tell_floor(checkpoint);
    return checkpoint;
  }

  // What keeps a server from taking this machine back to an older document.
  void tell_floor(const Checkpoint& checkpoint) {
    auto& why = found_[paths::checkpoint].why;
    why +=
        checkpoint.document_generation > 0
            ? fmt::format("; nothing older than generation {}, which it has, is taken",
                          checkpoint.document_generation)
            : std::string(
                  "; no document is left that says which generation it had: see that `muster node show` tells the newest one");
    why += "; files of before Muster and packages that `reset` takes away are no longer all known";
  }

  void tell(Checkpoint& checkpoint) {
    for (auto& [path, damaged] : found_) checkpoint.damaged[path] = std::move(damaged);
    const auto now = std::chrono::system_clock::to_time_t(host_.clock.now());
    std::erase_if(checkpoint.damaged, [&](const auto& one) {
      return now - one.second.at > damage_told_for || one.second.at > now + damage_told_for;
    });
    for (const auto& [path, damaged] : checkpoint.damaged) {
      memory_.own_unwell.push_back(
          {"state " + name_in_state(path),
           damaged.why + "; if it happens again, see `journalctl -k` for the disk", 0});
    }
  }

  Host& host_;
  Memory& memory_;
  const std::function<void(std::string_view)>& narrate_;
  std::map<std::string, DamagedState> found_;
};

}  // namespace

Checkpoint open_state(Host& host, Memory& memory,
                      const std::function<void(std::string_view)>& narrate) {
  return Keeper(host, memory, narrate).keep();
}

Checkpoint read_checkpoint(const Host& host) {
  const auto text = host.files.read(paths::checkpoint, largest_checkpoint);
  if (text) {
    if (auto checkpoint = parse_checkpoint(*text)) return std::move(*checkpoint);
  }
  return rebuilt_checkpoint(host);
}

}  // namespace muster
