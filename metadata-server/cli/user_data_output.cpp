#include "cli/user_data_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>

#include "cli/answer.hpp"
#include "cli/text_file.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

namespace {

Result<void> write_new(const std::string& path, const std::string& text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path));
  return write_all(file.get(), text, path);
}

}  // namespace

Result<std::vector<UserDataPart>> prepare_user_data(const UserDataOptions& options) {
  constexpr std::size_t largest_part = 256u << 10;
  std::vector<UserDataPart> parts;
  for (const std::string& path : options.parts) {
    auto text = read_text_file(path, largest_part);
    if (!text) return pass(text.error());
    parts.push_back({path, std::move(*text)});
  }
  if (auto tried = with_parts("", parts); !tried) return pass(tried.error());
  const std::string& folder = options.folder;
  if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, fmt::format("making the folder '{}'", folder));
  return parts;
}

Result<std::string> finish_user_data(const std::string& ours,
                                     const std::vector<UserDataPart>& parts) {
  constexpr std::size_t ec2_limit = 16384;
  auto text = parts.empty() ? Result<std::string>(ours) : with_parts(ours, parts);
  if (text && text->size() > ec2_limit)
    fmt::print(stderr, "muster: user-data of {} bytes; EC2 takes {} at most\n", text->size(),
               ec2_limit);
  return text;
}

Result<std::string> put_user_data(const UserDataOptions& options,
                                  const std::vector<UserDataPart>& parts, nlohmann::json& answer) {
  std::string text;
  for (auto& file : answer["userData"]) {
    const auto content = finish_user_data(cell(file, "/text"), parts);
    if (!content) return pass(content.error());
    if (options.folder.empty()) {
      file["text"] = *content;
      text += fmt::format("\n# {}\n{}", cell(file, "/name"), *content);
      continue;
    }
    const std::string path = options.folder + "/" + cell(file, "/name");
    if (auto written = write_new(path, *content); !written) return pass(written.error());
    file["text"] = nullptr;
    file["file"] = path;
    text +=
        fmt::format("{}: for {} of pool {}\n", path, cell(file, "/machines"), cell(file, "/pool"));
  }
  return text;
}

}  // namespace muster
