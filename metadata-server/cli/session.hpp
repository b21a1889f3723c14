// One run of `muster`: where the server is, how to print, and the exit status. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/http_client.hpp"
#include "result/result.hpp"

namespace CLI {
class App;
}

namespace muster {

// Exit statuses, stable for scripts.
enum class Exit {
  ok = 0,
  failed = 1,
  usage = 2,
  invalid_inventory = 3,
  unreachable = 4,
  refused = 5,
  // It stands at the server, and is not in effect everywhere: apply --wait, and an order of a
  // machine that its cluster's API servers do not know of yet.
  not_in_effect = 6
};

struct Options {
  std::string server = "unix:/run/muster/admin.sock";
  std::string certificate, key, authority;  // files, for https
  std::string output = "table";             // or "json"
};

class Session {
 public:
  explicit Session(Options chosen) : options(std::move(chosen)) {}

  Options options;

  // Asks /v1/operator/PATH. A status of 400 or more is an error with the server's kind and message.
  [[nodiscard]] Result<nlohmann::json> ask(const std::string& method, const std::string& path,
                                           const nlohmann::json& body = nullptr);
  [[nodiscard]] Result<void> upload(const std::string& path, const std::string& file);
  // Streams the body to `sink`; answers the ETag, without its quotation marks.
  [[nodiscard]] Result<std::string> download(
      const std::string& path, const std::function<Result<void>(std::string_view)>& sink);
  [[nodiscard]] bool wants_json() const { return options.output == "json"; }

  // The last error answer, for details that an Error cannot hold ("problems").
  nlohmann::json last_answer;
  bool answered = false;  // the last question had an answer, be it a refusal

 private:
  [[nodiscard]] Result<HttpClient*> client();
  std::unique_ptr<HttpClient> client_;
};

// A command's action returns its exit status and prints what it has to say.
using Action = std::function<Exit(Session&)>;

// What every command group adds: its subcommands to the application, and which action runs.
struct CommandLine {
  CLI::App& app;
  std::function<void(CLI::App* command, Action action)> on;
};

// Prints "muster: MESSAGE" to stderr and says which exit status the kind of error has.
[[nodiscard]] Exit complain(const Session& session, const Error& error);
// Percent-encodes one path segment or query value.
[[nodiscard]] std::string escape(std::string_view text);

void add_inventory_commands(CommandLine& line);  // validate, explain
void add_render_command(CommandLine& line);
void add_enrolment_commands(CommandLine& line);  // more of explain
void add_apply_commands(CommandLine& line);      // diff, apply
void add_revision_commands(CommandLine& line);
void add_document_key_commands(CommandLine& line);
void add_release_commands(CommandLine& line);
void add_image_commands(CommandLine& line);
void add_secret_commands(CommandLine& line);
void add_node_commands(CommandLine& line);
void add_cluster_commands(CommandLine& line);
void add_on_demand_commands(CommandLine& line);  // template, more of cluster, user-data
void add_admission_commands(CommandLine& line);  // token, approve, ban
void add_operator_commands(CommandLine& line);
void add_kubeconfig_command(CommandLine& line);
void add_audit_command(CommandLine& line);
void add_clock_commands(CommandLine& line);
void add_dhcp_commands(CommandLine& line);
void add_backup_commands(CommandLine& line);
void add_restore_commands(CommandLine& line);
void add_status_commands(CommandLine& line);  // init, status, completion

}  // namespace muster
