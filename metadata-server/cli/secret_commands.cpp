#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

// From a file or standard input: an argument would stand in every process list.
Result<std::string> read_value(const std::string& path) {
  std::ostringstream text;
  if (path.empty()) {
    text << std::cin.rdbuf();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(ErrorKind::not_found, fmt::format("'{}': cannot be read", path));
    text << file.rdbuf();
  }
  return text.str();
}

std::string place(const std::string& cluster, const std::string& name) {
  return "secrets/" + escape(cluster) + "/" + escape(name);
}

}  // namespace

void add_secret_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand(
      "secret", "Values that a machine fetches over mTLS and nobody else sees");
  group->require_subcommand(1);
  auto cluster = std::make_shared<std::string>(), name = std::make_shared<std::string>(),
       file = std::make_shared<std::string>();

  auto* set = group->add_subcommand(
      "set", "stores a new version; the value comes from standard input or --file");
  set->add_option("NAME", *name, "the secret's name")->required();
  set->add_option("--cluster", *cluster, "the cluster whose machines may fetch it")->required();
  set->add_option("--file", *file, "read the value from this file")->check(CLI::ExistingFile);
  set->footer(
      "The value is kept byte for byte, a newline at its end too. Machines take it with the next muster apply.\n"
      "Example: muster secret set registry-password --cluster lab < password.txt");
  line.on(set, [=](Session& session) {
    auto value = read_value(*file);
    if (!value) return complain(session, value.error());
    return ask_and_show(
        session, "PUT", place(*cluster, *name), {{"value", base64_encode(*value)}},
        [=](const nlohmann::json& answer) {
          std::string text = fmt::format("secret {} version {}\n", *name, cell(answer, "/version"));
          if (!answer.value("published", true))
            text += fmt::format(
                "there is no cluster '{0}' now: it is the next one's of that name; `muster secret remove {1} --cluster {0}` takes it back\n",
                *cluster, *name);
          return text;
        });
  });

  auto* list = group->add_subcommand("list", "names and versions, never values");
  list->add_option("--cluster", *cluster, "the cluster whose machines may fetch it")->required();
  list->footer("Example: muster secret list --cluster lab");
  line.on(list, [=](Session& session) {
    return ask_and_show(session, "GET", "secrets?cluster=" + escape(*cluster), nullptr,
                        [](const nlohmann::json& answer) {
                          Table table({"NAME", "VERSION"});
                          for (const auto& row : list_at(answer, "/secrets"))
                            table.row({cell(row, "/name"), cell(row, "/version")});
                          return table.text();
                        });
  });

  auto* remove = group->add_subcommand("remove", "removes every version");
  remove->add_option("NAME", *name, "the secret's name")->required();
  remove->add_option("--cluster", *cluster, "the cluster whose machines may fetch it")->required();
  remove->footer("Example: muster secret remove registry-password --cluster lab");
  line.on(remove, [=](Session& session) {
    return ask_and_show(
        session, "DELETE", place(*cluster, *name), nullptr, [=](const nlohmann::json& answer) {
          std::string text = fmt::format("secret {} removed\n", *name);
          if (const std::string needed = cell(answer, "/neededBy"); !needed.empty())
            text += fmt::format(
                "needed by revision(s) {0}: before a rollback to one, `muster secret set {1} --cluster {2}`\n",
                needed, *name, *cluster);
          return text;
        });
  });
}

}  // namespace muster
