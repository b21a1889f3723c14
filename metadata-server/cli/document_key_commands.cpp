#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "cli/trust_signing.hpp"
#include "document/document_keys.hpp"
#include "pki/key_file.hpp"

namespace muster {
namespace {

Exit create(Session& session, const std::string& path) {
  auto file = NewKeyFile::create(path);
  if (!file) return complain(session, file.error());
  const auto key = PrivateKey::generate_ed25519();
  if (!key) return complain(session, key.error());
  if (auto written = file->write(*key); !written) return complain(session, written.error());
  const PublicKey public_key = key->public_key();
  if (session.wants_json()) {
    print(json_text(
        {{"keyId", public_key.fingerprint()}, {"publicKey", public_key.pem()}, {"file", path}}));
    return Exit::ok;
  }
  print(public_key.pem());
  std::fprintf(stderr, "document key %s; its private half is in '%s' and nowhere else\n",
               public_key.fingerprint().c_str(), path.c_str());
  return Exit::ok;
}

// Only what is a public key leaves this machine: the private one's file is an easy mistake.
Result<PublicKey> read_public_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  auto key = PublicKey::from_pem(text.str());
  if (!key) {
    return while_doing(
        key.error(),
        fmt::format("'{}': expected a public key in PEM, as `muster document-key create` prints it",
                    path));
  }
  return key;
}

struct Question {
  std::string method, path;
  nlohmann::json body;
};

// Signed by the server, or here where the site key was taken away from it.
Exit change(Session& session, const std::string& site_key, const Question& question,
            const std::function<Result<TrustList>(TrustList)>& edit, const std::string& done) {
  const auto show = [&](const nlohmann::json& answer) {
    return fmt::format("{}; trust list version {}\n", done, cell(answer, "/trustVersion"));
  };
  if (site_key.empty()) {
    return ask_and_show(session, question.method, question.path, question.body, show);
  }
  const auto version = change_trust_list(session, site_key, edit);
  if (!version) return complain(session, version.error());
  const nlohmann::json answer = {{"trustVersion", *version}};
  print(session.wants_json() ? json_text(answer) : show(answer));
  return Exit::ok;
}

std::string keys_text(const nlohmann::json& answer) {
  Table table({"KEY", "SCOPE", "HELD BY"});
  for (const auto& row : list_at(answer, "/documentKeys")) {
    table.row({cell(row, "/keyId"), cell(row, "/scope"),
               cell(row, "/onServer").empty() ? "operator" : "server"});
  }
  return table.text();
}

}  // namespace

void add_document_key_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand(
      "document-key",
      "Keys that may sign what machines are served; one may be kept off the server");
  group->require_subcommand(1);
  auto file = std::make_shared<std::string>(), scope = std::make_shared<std::string>(),
       id = std::make_shared<std::string>(), site_key = std::make_shared<std::string>();
  const auto add_site_key = [site_key](CLI::App* command) {
    command->add_option("--site-key", *site_key,
                        "signs the trust list here, where the site key was taken (PEM file)");
  };

  auto* made = group->add_subcommand("create", "makes a key here; prints its public half");
  made->add_option("--out", *file, "the new file of the private key (mode 0600)")->required();
  made->footer("Example: muster document-key create --out lab.key > lab.pem");
  line.on(made, [=](Session& session) { return create(session, *file); });

  auto* add = group->add_subcommand("add", "lets a key sign, within its scope");
  add->add_option("PUBLIC", *file, "the public key (PEM file)")
      ->required()
      ->check(CLI::ExistingFile);
  add->add_option("--scope", *scope, "site, cluster/NAME, pool/CLUSTER/NAME or image")->required();
  add_site_key(add);
  add->footer("Example: muster document-key add lab.pem --scope cluster/lab");
  line.on(add, [=](Session& session) {
    const auto key = read_public_key(*file);
    if (!key) return complain(session, key.error());
    const DocumentKey entry{key->pem(), *scope};
    return change(
        session, *site_key,
        {"POST", "document-keys", {{"publicKey", entry.public_key}, {"scope", entry.scope}}},
        [&](TrustList trust) { return add_document_key(std::move(trust), entry); },
        fmt::format("{} signs in the scope {}", key->fingerprint(), entry.scope));
  });

  auto* list =
      group->add_subcommand("list", "which keys may sign; the server's own is always shown");
  list->footer("Example: muster document-key list");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "document-keys", nullptr, keys_text);
  });

  auto* revoke = group->add_subcommand("revoke", "a key signs no more, in any scope");
  revoke->add_option("ID", *id, "sha256:... as list shows it")->required();
  add_site_key(revoke);
  revoke->footer(
      "Refused while machines are served what it signed: apply with another key first.\n"
      "Example: muster document-key revoke sha256:4f...");
  line.on(revoke, [=](Session& session) {
    return change(
        session, *site_key, {"DELETE", "document-keys/" + escape(*id), nullptr},
        [&](TrustList trust) { return revoke_document_key(std::move(trust), *id); },
        fmt::format("{} signs no more", *id));
  });
}

}  // namespace muster
