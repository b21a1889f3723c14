#include "inventory/check_files.hpp"

#include <fmt/format.h>

#include "document/problem.hpp"
#include "inventory/check_sysctls.hpp"
#include "inventory/url_credentials.hpp"
#include "machine/owned_paths.hpp"

namespace muster {

namespace {

class FileChecker {
 public:
  FileChecker(const std::string& path, bool routed, std::vector<InventoryProblem>& problems)
      : path_(path), routed_(routed), problems_(problems) {}

  void check(const Value& files) {
    for (const Value& file : files.items) {
      const Value* path = file.find("path");
      if (path != nullptr) paths_.try_emplace(resolved_path(path->scalar), &path->place);
    }
    for (std::size_t index = 0; index < files.items.size(); ++index)
      check_file(files.items[index], fmt::format("{}[{}]", path_, index));
  }

 private:
  void report(const Place& place, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(place, std::move(field), std::move(expected), std::move(found),
                                   std::move(hint)));
  }

  void check_file(const Value& file, const std::string& field) {
    const Value* path = file.find("path");
    if (path == nullptr) return;
    check_path(*path, field + ".path");
    const Value* content = file.find("content");
    if (content == nullptr || content->kind != Value::Kind::scalar) return;
    if (holds_url_password(content->scalar))
      report(content->place, field + ".content", "{secretRef: NAME}",
             "a URL with a user and a password",
             "set it with 'muster secret set NAME --cluster CLUSTER'");
    if (is_sysctl_file(resolved_path(path->scalar)))
      check_sysctl_lines(content->scalar, content->place, field + ".content", problems_);
  }

  void check_path(const Value& path, const std::string& field) {
    const std::string resolved = resolved_path(path.scalar);
    const Place& first = *paths_.at(resolved);
    if (&first != &path.place)
      return report(path.place, field, "a path that no file before it has", in_ticks(path.scalar),
                    fmt::format("{} has it", to_text(first)));
    if (const auto owner = owner_of_path(path.scalar, routed_); !owner.empty())
      return report(path.place, field, "a path that Muster does not decide", in_ticks(path.scalar),
                    std::string(owner));
    if (const auto blocked = blocked_path(path.scalar); !blocked.empty())
      return report(path.place, field, "a path that leaves Muster's own their folders",
                    in_ticks(path.scalar), fmt::format("it stands in the way of {}", blocked));
    for (std::size_t slash = resolved.rfind('/'); slash != 0 && slash != std::string::npos;
         slash = resolved.rfind('/', slash - 1)) {
      const auto parent = paths_.find(resolved.substr(0, slash));
      if (parent == paths_.end()) continue;
      report(path.place, field, "a path in a folder", in_ticks(path.scalar),
             fmt::format("{} makes '{}' a file", to_text(*parent->second), parent->first));
      return;
    }
  }

  const std::string path_;
  const bool routed_;
  std::vector<InventoryProblem>& problems_;
  std::map<std::string, const Place*> paths_;  // of the first file with each
};

}  // namespace

void check_files(const Value& files, const std::string& path, bool routed,
                 std::vector<InventoryProblem>& problems) {
  FileChecker(path, routed, problems).check(files);
}

}  // namespace muster
