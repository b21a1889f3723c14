#include "agent/run/settings.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "agent/run/settings_text.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

const std::string pin_a = "sha256:" + std::string(64, 'a');
const std::string pin_b = "sha256:" + std::string(64, 'b');

// A machine on DigitalOcean, whose user-data is `user_data`.
struct SettingsFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  std::string user_data;

  SettingsFixture() {
    machine.files.put("/sys/class/dmi/id/sys_vendor", "DigitalOcean\n");
    network.metadata = [this](const HttpRequest&) -> Result<HttpAnswer> {
      return HttpAnswer{200, {}, user_data, {}};
    };
  }
  void file(const std::string& json) { machine.files.put(paths::settings, json, 0600); }
  void command_line(const std::string& text) { machine.files.put("/proc/cmdline", text + "\n"); }
  SettingsView view() {
    return view_settings(machine.host, network, {}, [](std::string_view) {});
  }
  Result<Settings> load() {
    return load_settings(machine.host, network, [](std::string_view) {});
  }
  std::string refusal() {
    const auto settings = load();
    return settings ? "taken" : settings.error().message;
  }
};

std::string complete(const std::string& pin, const std::string& server) {
  return R"({"sitePin":")" + pin + R"(","enrolServers":["https://)" + server + R"("],"token":"t-)" +
         server + R"("})";
}

}  // namespace

TEST_CASE_FIXTURE(SettingsFixture, "a complete file is all that is read") {
  file(complete(pin_a, "file:1"));
  user_data = complete(pin_b, "cloud:1");
  const auto settings = load();
  REQUIRE(settings);
  CHECK(settings->site_pin == pin_a);
  CHECK(settings->token == "t-file:1");
  CHECK(network.metadata_calls.empty());
  CHECK(machine.files.changes.empty());
}

TEST_CASE_FIXTURE(SettingsFixture, "each field is taken from the first place that says it") {
  struct Row {
    std::string command_line, file, user_data;
    std::string pin, server, token, pin_from, server_from;
    std::size_t calls;
  };
  const std::string line = "kernel command line", json = "/etc/muster/agent.json",
                    cloud = "DigitalOcean user-data";
  const std::string only_pin = R"({"sitePin":")" + pin_a + R"("})";
  for (const auto& row : std::vector<Row>{
           {"muster.pin=" + pin_a + " muster.server=https://line:1", "", complete(pin_b, "cloud:1"),
            pin_a, "https://line:1", "", line, line, 0},
           {"muster.server=https://line:1", complete(pin_a, "file:1"), complete(pin_b, "cloud:1"),
            pin_a, "https://line:1", "t-file:1", json, line, 0},
           {"quiet", only_pin, complete(pin_b, "cloud:1"), pin_a, "https://cloud:1", "t-cloud:1",
            json, cloud, 1},
           {"muster.pin=" + pin_a, R"({"token":"t-file:1"})", complete(pin_b, "cloud:1"), pin_a,
            "https://cloud:1", "t-file:1", line, cloud, 1},
           {"quiet", "", complete(pin_b, "cloud:1"), pin_b, "https://cloud:1", "t-cloud:1", cloud,
            cloud, 1}}) {
    CAPTURE(row.command_line);
    CAPTURE(row.file);
    machine.files.nodes.erase(paths::settings);
    network.metadata_calls.clear();
    command_line(row.command_line);
    if (!row.file.empty()) file(row.file);
    user_data = row.user_data;
    const auto found = view();
    CHECK_FALSE(found.failure);
    CHECK(found.settings.site_pin == row.pin);
    CHECK(found.settings.enrol_servers == std::vector<std::string>{row.server});
    CHECK(found.settings.token == row.token);
    CHECK(found.origins.at("sitePin") == row.pin_from);
    CHECK(found.origins.at("enrolServers") == row.server_from);
    CHECK(network.metadata_calls.size() == row.calls);
  }
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "problems of file and command line are said together, and nobody is asked") {
  file(R"({"sitePin":"x"})");
  command_line("muster.server=http://y");
  CHECK(
      refusal() ==
      "document: kernel command line: refused, 1 problem:\n"
      "muster.server: expected a URL that starts with 'https://', found 'http://y'\n"
      "/etc/muster/agent.json: refused, 1 problem:\n"
      "/sitePin: expected the site key's fingerprint, 'sha256:' and 64 hexadecimal digits, found 'x'; `muster status` prints it on the server");
  CHECK(network.metadata_calls.empty());
}

TEST_CASE_FIXTURE(SettingsFixture, "what is missing is named with the places that were looked at") {
  machine.files.nodes.erase("/sys/class/dmi/id/sys_vendor");
  file(R"({"token":"s3cret"})");
  CHECK(
      refusal() ==
      "document: settings: expected sitePin (muster.pin=) and enrolServers (muster.server=), found in none of these places:\n"
      "kernel command line: nothing\n"
      "/etc/muster/agent.json: token\n"
      "/etc/muster/metadata.json: absent\n"
      "user-data: no cloud by SMBIOS, no seed");
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "user-data that says nothing, or half, is refused and not remembered") {
  user_data = "{}";
  CHECK(refusal().find("\nDigitalOcean user-data: nothing") != std::string::npos);
  user_data = R"({"sitePin":")" + pin_a + R"("})";
  CHECK(refusal().rfind("document: settings: expected enrolServers (muster.server=), found", 0) ==
        0);
  user_data = "#cloud-config\n";
  CHECK(
      refusal() ==
      "document: DigitalOcean user-data: expected /etc/muster/agent.json in 'write_files' of '#cloud-config', found none");
  CHECK_FALSE(machine.files.has(paths::settings_memory));
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "a metadata service that never answers is a failure of the network") {
  network.metadata = nullptr;
  CHECK(
      refusal() ==
      "network: DigitalOcean user-data: none within 60 s; last: GET http://169.254.169.254:80/metadata/v1/user-data: no connection");
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "a seed folder that cannot be read is no failure of the network") {
  command_line("ds=nocloud;s=/seed/");
  CHECK(refusal() == "document: '/seed/user-data': no such file");
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "a machine with an identity never waits for a metadata service again") {
  user_data = complete(pin_a, "cloud:1");
  REQUIRE(load());
  CHECK(
      machine.files.text(paths::settings_memory) ==
      R"({"place":"DigitalOcean user-data","settings":{"enrolServers":["https://cloud:1"],"sitePin":")" +
          pin_a + R"("}})");
  CHECK(machine.files.nodes.at(paths::settings_memory).mode == 0600);
  // Until it has one, user-data may still be corrected; the second reading writes nothing.
  machine.files.changes.clear();
  REQUIRE(load());
  CHECK(network.metadata_calls.size() == 2);
  CHECK(machine.files.changes.empty());

  machine.files.put(paths::identity_certificate, "x");
  network.metadata = nullptr;
  const auto found = view();
  CHECK_FALSE(found.failure);
  CHECK(found.settings.site_pin == pin_a);
  CHECK(found.settings.token.empty());
  CHECK(found.origins.at("sitePin") == "DigitalOcean user-data, remembered");
  CHECK(network.metadata_calls.size() == 2);
  // A memory that cannot be read is none.
  machine.files.put(paths::settings_memory, "{");
  CHECK(refusal().rfind("network: ", 0) == 0);
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "a machine that was let in goes on by its settings when their file is damaged") {
  file(complete(pin_a, "file:1"));
  machine.files.put(paths::identity_certificate, "x");
  REQUIRE(load());
  machine.files.changes.clear();
  REQUIRE(load());
  CHECK(machine.files.changes.empty());
  for (const char* text : {"", "{", "7"}) {
    file(text);
    const auto settings = load();
    REQUIRE_MESSAGE(settings, text);
    CHECK(settings->site_pin == pin_a);
    CHECK(settings->enrol_servers == std::vector<std::string>{"https://file:1"});
    CHECK(settings->token.empty());
    CHECK(settings->damaged.find(paths::settings) != std::string::npos);
  }
  REQUIRE(machine.files.remove(paths::settings));
  CHECK(load()->site_pin == pin_a);
  machine.files.put(std::string(paths::settings) + "/x", "a folder");
  CHECK(load()->site_pin == pin_a);
  // One that never was has nothing to go by.
  REQUIRE(machine.files.remove(paths::identity_certificate));
  CHECK_FALSE(load());
}

TEST_CASE_FIXTURE(SettingsFixture, "facts show what was found where, and never the token") {
  command_line("muster.pin=" + pin_a);
  user_data = complete(pin_b, "cloud:1");
  const auto found = view();
  CHECK(settings_text(found) ==
        "sitePin      " + pin_a +
            " (kernel command line)\n"
            "enrolServers https://cloud:1 (DigitalOcean user-data)\n"
            "token        set (DigitalOcean user-data)\n"
            "cachePolicy  none\n"
            "looked at    kernel command line: sitePin\n"
            "looked at    /etc/muster/agent.json: absent\n"
            "looked at    /etc/muster/metadata.json: absent\n"
            "looked at    DigitalOcean user-data: sitePin, enrolServers, token\n");
  CHECK(settings_json(found).dump() ==
        R"({"fields":{"enrolServers":{"from":"DigitalOcean user-data","value":"https://cloud:1"},)"
        R"("sitePin":{"from":"kernel command line","value":")" +
            pin_a +
            R"("},"token":{"from":"DigitalOcean user-data","value":"set"}},"places":[)"
            R"({"found":"sitePin","name":"kernel command line"},)"
            R"({"found":"absent","name":"/etc/muster/agent.json"},)"
            R"({"found":"absent","name":"/etc/muster/metadata.json"},)"
            R"({"found":"sitePin, enrolServers, token","name":"DigitalOcean user-data"}]})");
}

TEST_CASE_FIXTURE(SettingsFixture,
                  "a flat metadata document says who the machine is, beside the settings") {
  const std::string flat =
      R"({"myRole":"masterFollower","myDomain":"m2.b126.example","masterAddr":"10.77.0.11",)"
      R"("kubenodesAddr":"","domainsEnv":"BASE_DOMAIN=b126.example API_SERVER_DOMAIN=a.b126.example )"
      R"(ETCD_DOMAIN=e.b126.example","muster":)" +
      complete(pin_a, "flat:1") + "}";
  user_data = flat;
  auto found = view();
  REQUIRE_FALSE(found.failure);
  CHECK(found.settings.told_node == "m2");
  CHECK(found.settings.told_role == "follower");
  CHECK(found.settings.site_pin == pin_a);
  CHECK(settings_text(found).find("metadata     m2 as follower (DigitalOcean user-data)\n") !=
        std::string::npos);
  // As a file it comes after agent.json, field by field, and before user-data.
  machine.files.put(paths::metadata, flat);
  file(R"({"sitePin":")" + pin_b + R"("})");
  network.metadata_calls.clear();
  found = view();
  REQUIRE_FALSE(found.failure);
  CHECK(found.settings.site_pin == pin_b);
  CHECK(found.origins.at("enrolServers") == "/etc/muster/metadata.json");
  CHECK(found.origins.at("metadata") == "/etc/muster/metadata.json");
  CHECK(network.metadata_calls.empty());
}

TEST_CASE_FIXTURE(SettingsFixture, "facts show why there are no settings") {
  file("{");
  const auto text = settings_text(view());
  CHECK(text.find("looked at    /etc/muster/agent.json: refused\n") != std::string::npos);
  CHECK(text.find("settings     document: /etc/muster/agent.json: refused, 1 problem:\n") !=
        std::string::npos);
  CHECK(settings_json(view())["failure"]["class"] == "document");
}
