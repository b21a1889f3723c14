// Secrets, key pairs and files of the document that somebody emptied, changed or replaced, through
// whole polls: put right from the server or the document, and nothing that runs is restarted.
#include <nlohmann/json.hpp>

#include "agent/state/checkpoint_json.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

const std::string pull_secret = "/etc/muster/secrets/pull";
const std::string client_pair = "/etc/kubernetes/pki/kubelet-client";
const std::string damaged_yaml = "/etc/kubernetes/kubelet.yaml";

struct DamagedInputs : ReconcileFixture {
  DamagedInputs() {
    document.config.secrets = {{"pull", 1, pull_secret, "root", "0600"}};
    site.secrets["pull"] = "hunter2";
    serve();
    REQUIRE(converge().verdict == Verdict::converged);
    poll();
    REQUIRE(is_quiet());
  }
  void poll() {
    machine.clock.sleep(std::chrono::seconds(60));
    narrated.clear();
    machine.files.changes.clear();
    machine.services.calls.clear();
    const auto outcome = converge();
    CHECK_MESSAGE(outcome.verdict == Verdict::converged, outcome.message);
    CHECK(machine.services.calls.empty());
  }
  // A poll after which nothing was written.
  bool is_quiet() {
    poll();
    return machine.files.changes.empty();
  }
  bool is_told(const std::string& text) const {
    return std::any_of(narrated.begin(), narrated.end(),
                       [&](const auto& line) { return line.find(text) != std::string::npos; });
  }
  bool is_regular(const std::string& path) {
    return must(machine.files.status(path)).type == FileStatus::Type::file;
  }
  // As an agent that kept no digests wrote it.
  void forget_digests() {
    auto json = nlohmann::json::parse(machine.files.text(paths::checkpoint));
    json.erase("secretDigests");
    machine.files.put(paths::checkpoint, json.dump(), 0600);
    memory = Memory();
  }
};

}  // namespace

TEST_CASE_FIXTURE(DamagedInputs, "a secret that was emptied, edited or replaced is fetched again") {
  const std::vector<std::function<void()>> damages = {
      [&] { machine.files.put(pull_secret, "", 0600); },
      [&] { machine.files.put(pull_secret, "hunter3", 0600); },
      [&] {
        REQUIRE(machine.files.remove(pull_secret));
        machine.files.put(pull_secret + "/x", "x");
      },
      [&] {
        machine.files.put("/root/mine", "hunter2", 0600);
        REQUIRE(machine.files.link(pull_secret, "/root/mine"));
      }};
  for (const auto& damage : damages) {
    damage();
    poll();
    CHECK(machine.files.text(pull_secret) == "hunter2");
    CHECK(is_regular(pull_secret));
    CHECK(must(machine.files.status(pull_secret)).mode == 0600);
    CHECK(is_quiet());
  }
  CHECK(machine.files.text(pull_secret + ".damaged/x") == "x");
}

TEST_CASE_FIXTURE(DamagedInputs, "the checkpoint tells nobody who guesses what a secret is") {
  const std::string text = machine.files.text(paths::checkpoint);
  CHECK(text.find("secretDigests") != std::string::npos);
  CHECK(text.find(sha256_digest("hunter2").substr(7)) == std::string::npos);
  CHECK(text.find(hex_encode(hmac_sha256("", "hunter2"))) == std::string::npos);
}

TEST_CASE_FIXTURE(DamagedInputs,
                  "a secret without a digest is compared once, and not written where it is right") {
  forget_digests();
  poll();
  CHECK(changes_outside_state().empty());
  CHECK(is_quiet());
  forget_digests();
  machine.files.put(pull_secret, "", 0600);
  poll();
  CHECK(machine.files.text(pull_secret) == "hunter2");
  CHECK(is_quiet());
}

TEST_CASE_FIXTURE(DamagedInputs,
                  "while the server is away a secret without a digest is no finding") {
  forget_digests();
  site.is_away = true;
  poll();
  CHECK_FALSE(is_told("unwell"));
  CHECK_FALSE(is_told("compare"));
  CHECK(changes_outside_state().empty());
  reboot("boot-2");
  CHECK(converge().verdict == Verdict::converged);
}

TEST_CASE_FIXTURE(DamagedInputs,
                  "where the key of the digests is lost the secrets are compared anew") {
  const std::string key = "/var/lib/muster/secret-digests.key";
  for (const bool is_there : {false, true}) {
    REQUIRE(machine.files.remove(key));
    if (is_there) machine.files.put(key, "garbage", 0644);
    memory = Memory();
    poll();
    CHECK(changes_outside_state().empty());
    CHECK(must(machine.files.status(key)).mode == 0600);
    machine.files.put(pull_secret, "other", 0600);
    poll();
    CHECK(machine.files.text(pull_secret) == "hunter2");
    CHECK(is_quiet());
  }
}

TEST_CASE_FIXTURE(DamagedInputs,
                  "a folder in a file's place is set aside, and a file in a folder's") {
  const std::string yaml = machine.files.text(damaged_yaml);
  REQUIRE(machine.files.remove(damaged_yaml));
  machine.files.put(damaged_yaml + "/x", "x");
  poll();
  CHECK(machine.files.text(damaged_yaml) == yaml);
  CHECK(machine.files.text(damaged_yaml + ".damaged/x") == "x");
  CHECK(is_quiet());
  const std::string folder = "/etc/containerd/certs.d";
  REQUIRE(machine.files.remove(folder));
  machine.files.put(folder, "x");
  poll();
  CHECK(must(machine.files.status(folder)).type == FileStatus::Type::directory);
  CHECK(is_quiet());
}

TEST_CASE_FIXTURE(DamagedInputs,
                  "a key pair that was emptied, swapped or replaced is obtained again") {
  const auto key_of_another = must(PrivateKey::generate_p256());
  const std::vector<std::function<void()>> damages = {
      [&] { machine.files.put(client_pair + "/tls.key", "", 0600); },
      [&] { machine.files.put(client_pair + "/tls.crt", "", 0644); },
      [&] { machine.files.put(client_pair + "/ca.crt", "", 0644); },
      [&] { machine.files.put(client_pair + "/tls.key", key_of_another.pem(), 0600); },
      [&] {
        REQUIRE(machine.files.remove(client_pair + "/tls.key"));
        machine.files.put(client_pair + "/tls.key/x", "x");
      },
      // Another pair, whole: of a certificate that came from somewhere else.
      [&] {
        machine.files.put(client_pair + "/tls.key", key_of_another.pem(), 0600);
        machine.files.put(client_pair + "/tls.crt",
                          must(site.identity(key_of_another.public_key())).pem());
      },
      // What it led to, in the place of the link.
      [&] {
        const auto text = [&](const char* name) { return machine.files.text(client_pair + name); };
        const std::string key = text("/tls.key"), certificate = text("/tls.crt"),
                          authority = text("/ca.crt"), specification = text("/specification");
        REQUIRE(machine.files.remove(client_pair));
        machine.files.put(client_pair + "/tls.key", key, 0600);
        machine.files.put(client_pair + "/tls.crt", certificate);
        machine.files.put(client_pair + "/ca.crt", authority);
        machine.files.put(client_pair + "/specification", specification);
      }};
  int number = 0;
  for (const auto& damage : damages) {
    CAPTURE(number++);
    damage();
    poll();
    CHECK(must(machine.files.status(client_pair)).type == FileStatus::Type::link);
    const auto certificate =
        must(Certificate::from_pem(machine.files.text(client_pair + "/tls.crt")));
    CHECK(certificate.matches(
        must(PrivateKey::from_pem(machine.files.text(client_pair + "/tls.key")))));
    CHECK(certificate.common_name() == "kubelet-client");
    CHECK(is_quiet());
  }
}

TEST_CASE_FIXTURE(DamagedInputs, "a folder in the place of a release's link is set aside") {
  const std::string link = "/opt/muster/current/runc";
  const std::string target = must(machine.files.status(link)).link_target;
  REQUIRE(machine.files.remove(link));
  machine.files.put(link + "/bin/runc", "mine");
  poll();
  CHECK(must(machine.files.status(link)).link_target == target);
  CHECK(is_quiet());
}
