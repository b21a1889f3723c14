#include "machine/files.hpp"

#include <charconv>
#include <set>

namespace muster {
namespace {

std::uint32_t mode_of(const std::string& octal) {
  std::uint32_t mode = 0600;  // kept where document validation did not see the text
  std::from_chars(octal.data(), octal.data() + octal.size(), mode, 8);
  return mode;
}

}  // namespace

std::vector<std::string> add_files(const NodeDocument& document, DesiredState& state) {
  std::set<std::string> taken;
  for (const DesiredFile& file : state.files) taken.insert(file.path);
  for (const SecretReference& secret : state.secrets) taken.insert(secret.path);
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < document.config.files.size(); ++i) {
    const FileSpec& file = document.config.files[i];
    if (!taken.insert(file.path).second) {
      problems.push_back(fmt::format(
          "/config/files/{}: expected a path that Muster does not write itself, found '{}'; use the setting it comes from",
          i, file.path));
      continue;
    }
    state.files.push_back({file.path, file.content, file.owner, mode_of(file.mode)});
  }
  return problems;
}

}  // namespace muster
