// A file system in memory that records what was changed and fails where a test wants it to.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "agent/host/host.hpp"
#include "pki/signature.hpp"

namespace muster {

class FakeFilesystem final : public Filesystem {
 public:
  struct Node {
    FileStatus::Type type = FileStatus::Type::file;
    std::string content, owner = "root";  // content: of a link, its target
    std::uint32_t mode = 0644;
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
  };

  std::map<std::string, Node> nodes;
  std::vector<std::string> changes;  // "write /etc/x", "link /a -> b", ... that succeeded
  int fail_at = -1;                  // this changing call (counted from 0) fails once with EIO
  int crash_at = -1;  // from this changing call on, everything fails: the machine lost power
  int calls = 0;      // changing calls so far
  // Where nothing more can be written; what takes no room still can be done.
  std::function<bool(const std::string& path)> is_full;
  mutable std::vector<std::string> digested;  // paths of what was hashed

  FakeFilesystem() { nodes["/"] = {FileStatus::Type::directory, "", "root", 0755, 1, 0}; }

  // A fixture, not an action of the agent: makes parents, is not recorded.
  void put(const std::string& path, const std::string& content, std::uint32_t mode = 0644) {
    make_parents(path);
    set(path, {FileStatus::Type::file, content, "root", mode, 0, 0});
  }
  [[nodiscard]] bool has(const std::string& path) const { return nodes.count(resolve(path)) > 0; }
  [[nodiscard]] std::string text(const std::string& path) const {
    const auto content = read(path, 1u << 30);
    return content ? *content : "<" + content.error().message + ">";
  }
  // Power is back: what was renamed is there, faults are gone.
  void restart() {
    fail_at = crash_at = -1;
    calls = 0;
    changes.clear();
  }

  Result<std::string> read(const std::string& path, std::size_t limit) const override {
    const std::lock_guard lock(mutex_);
    const auto found = nodes.find(resolve(path));
    if (found == nodes.end()) return absent(path);
    if (found->second.type != FileStatus::Type::file) {
      return fail(ErrorKind::io, "reading '" + path + "': not a file");
    }
    if (found->second.content.size() > limit) return fail(ErrorKind::exhausted, path + ": too big");
    return found->second.content;
  }

  Result<FileStatus> status(const std::string& path) const override {
    const std::lock_guard lock(mutex_);
    const auto found = nodes.find(resolve_parent(path));
    if (found == nodes.end()) return absent(path);
    const Node& node = found->second;
    FileStatus status;
    status.type = node.type;
    status.mode = node.mode;
    status.owner = status.group = node.owner;
    status.size = node.content.size();
    status.inode = node.inode;
    status.modified_ns = status.changed_ns = node.modified_ns;
    if (node.type == FileStatus::Type::link) status.link_target = node.content;
    return status;
  }

  Result<std::vector<std::string>> list(const std::string& directory) const override {
    const std::lock_guard lock(mutex_);
    const std::string folder = resolve(directory);
    if (nodes.count(folder) == 0) return absent(directory);
    if (nodes.at(folder).type != FileStatus::Type::directory) return not_a_folder(directory);
    std::vector<std::string> names;
    for (const auto& [path, node] : nodes) {
      if (parent(path) == folder && path != "/") names.push_back(path.substr(folder.size() + 1));
    }
    return names;
  }

  std::map<std::string, FreeSpace> spaces;  // by path; the rest has plenty
  Result<FreeSpace> space(const std::string& path) const override {
    const auto found = spaces.find(path);
    return found != spaces.end() ? found->second : FreeSpace{10ull << 30, 20ull << 30, 100'000, 1};
  }

  Result<std::string> digest(const std::string& path) const override {
    const std::lock_guard lock(mutex_);
    const auto content = read(path, 1u << 30);
    if (!content) return pass(content.error());
    digested.push_back(path);
    return sha256_digest(*content);
  }

  Result<void> write(const std::string& path, std::string_view content, std::uint32_t mode,
                     const std::string& owner) override {
    const std::lock_guard lock(mutex_);
    if (auto may = change("write " + path); !may) return may;
    if (is_full && is_full(path))
      return fail(ErrorKind::exhausted, "writing '" + path + "': no space left on device");
    if (!has(parent(path))) return absent(parent(path));
    if (!is_folder(parent(path))) return not_a_folder(parent(path));
    if (lies_a_folder(path)) return fail(ErrorKind::io, "'" + path + "': Is a directory");
    set(resolve_parent(path), {FileStatus::Type::file, std::string(content), owner, mode, 0, 0});
    return {};
  }

  Result<void> append(const std::string& path, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (auto may = change("append " + path); !may) return may;
    if (!has(parent(path))) return absent(parent(path));
    const std::string real = resolve_parent(path);
    Node node =
        nodes.count(real) > 0 ? nodes[real] : Node{FileStatus::Type::file, "", "root", 0600, 0, 0};
    node.content += bytes;
    set(real, node);
    return {};
  }

  Result<void> finish(const std::string& path, std::uint32_t mode,
                      const std::string& owner) override {
    const std::lock_guard lock(mutex_);
    if (auto may = change("finish " + path); !may) return may;
    const auto found = nodes.find(resolve_parent(path));
    if (found == nodes.end()) return absent(path);
    found->second.mode = mode;
    found->second.owner = owner;
    return {};
  }

  Result<void> make_directory(const std::string& path, std::uint32_t mode,
                              const std::string& owner) override {
    const std::lock_guard lock(mutex_);
    const auto now = status(path);
    if (now && now->type == FileStatus::Type::directory && now->mode == mode &&
        now->owner == owner) {
      return {};
    }
    if (auto may = change("make " + path); !may) return may;
    for (std::string step = path; step != "/"; step = parent(step)) {
      if (has(step) && !is_folder(step)) return not_a_folder(step);
    }
    make_parents(path);
    set(resolve_parent(path), {FileStatus::Type::directory, "", owner, mode, 0, 0});
    return {};
  }

  Result<void> link(const std::string& path, const std::string& target) override {
    const std::lock_guard lock(mutex_);
    const auto now = status(path);
    if (now && now->link_target == target) return {};
    if (auto may = change("link " + path + " -> " + target); !may) return may;
    if (!has(parent(path))) return absent(parent(path));
    if (lies_a_folder(path)) return fail(ErrorKind::io, "'" + path + "': Is a directory");
    set(resolve_parent(path), {FileStatus::Type::link, target, "root", 0777, 0, 0});
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    if (auto may = change("rename " + from + " -> " + to); !may) return may;
    const std::string old_path = resolve_parent(from), new_path = resolve_parent(to);
    if (nodes.count(old_path) == 0) return absent(from);
    std::map<std::string, Node> moved;
    for (auto it = nodes.begin(); it != nodes.end();) {
      if (it->first == old_path || it->first.rfind(old_path + "/", 0) == 0) {
        moved[new_path + it->first.substr(old_path.size())] = it->second;
        it = nodes.erase(it);
      } else {
        ++it;
      }
    }
    for (auto& [path, node] : moved) nodes[path] = node;
    return {};
  }

  // Not at once, as on an overlay, so that a crash in the middle is a case.
  Result<void> replace_directory(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    if (auto removed = remove(to); !removed) return removed;
    return rename(from, to);
  }

  Result<void> remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    const std::string real = resolve_parent(path);
    if (nodes.count(real) == 0) return {};
    if (auto may = change("remove " + path); !may) return may;
    for (auto it = nodes.begin(); it != nodes.end();) {
      const bool is_below = it->first == real || it->first.rfind(real + "/", 0) == 0;
      it = is_below ? nodes.erase(it) : std::next(it);
    }
    return {};
  }

 private:
  static std::string parent(const std::string& path) {
    const auto slash = path.find_last_of('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
  [[nodiscard]] bool lies_a_folder(const std::string& path) const {
    const auto found = nodes.find(resolve_parent(path));
    return found != nodes.end() && found->second.type == FileStatus::Type::directory;
  }
  // Or where a link leads.
  [[nodiscard]] bool is_folder(const std::string& path) const {
    const auto found = nodes.find(resolve(path));
    return found != nodes.end() && found->second.type == FileStatus::Type::directory;
  }
  static tl::unexpected<Error> not_a_folder(const std::string& path) {
    return fail(ErrorKind::io, "'" + path + "': Not a directory");
  }
  static tl::unexpected<Error> absent(const std::string& path) {
    return fail(ErrorKind::not_found, "'" + path + "': no such file");
  }
  Result<void> change(const std::string& what) {
    const int call = calls++;
    if (crash_at >= 0 && call >= crash_at) return fail(ErrorKind::io, what + ": power lost");
    if (call == fail_at) return fail(ErrorKind::io, what + ": injected failure");
    changes.push_back(what);
    return {};
  }
  void set(const std::string& path, Node node) {
    node.inode = next_inode_++;
    node.modified_ns = static_cast<std::int64_t>(node.inode) * 1000;
    nodes[path] = std::move(node);
  }
  void make_parents(const std::string& path) {
    for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
      const std::string step = resolve(path.substr(0, at));
      if (nodes.count(step) == 0) set(step, {FileStatus::Type::directory, "", "root", 0755, 0, 0});
    }
  }
  // Links in every part but the last are followed; `resolve` follows the last too.
  [[nodiscard]] std::string resolve_parent(const std::string& path) const {
    if (path == "/") return path;
    const std::string folder = resolve(parent(path));
    return (folder == "/" ? "" : folder) + path.substr(path.find_last_of('/'));
  }
  [[nodiscard]] std::string resolve(const std::string& path) const {
    const std::string real = resolve_parent(path);
    const auto found = nodes.find(real);
    if (found == nodes.end() || found->second.type != FileStatus::Type::link) return real;
    const std::string& target = found->second.content;
    if (target.rfind("../", 0) == 0) return resolve(parent(parent(real)) + target.substr(2));
    return resolve(target.rfind('/', 0) == 0 ? target : parent(real) + "/" + target);
  }

  std::uint64_t next_inode_ = 2;
  mutable std::recursive_mutex mutex_;  // several paths may be changed at once
};

}  // namespace muster
