#include "agent/settings.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

namespace {
const std::string pin = "sha256:" + std::string(64, 'a');
}  // namespace

TEST_CASE("settings are read") {
  const auto settings = parse_settings(
      R"({"sitePin":")" + pin +
          R"(","enrolServers":["https://10.77.0.1:8443"],"token":"t","cachePolicy":{"maxAgeDays":7}})",
      "");
  REQUIRE(settings);
  CHECK(settings->site_pin == pin);
  CHECK(settings->enrol_servers == std::vector<std::string>{"https://10.77.0.1:8443"});
  CHECK(settings->token == "t");
  CHECK(settings->maximum_cache_age_days == 7);
}

TEST_CASE("every problem of the settings is said at once") {
  const auto settings =
      parse_settings(R"({"sitePin":"abc","enrolServers":["http://x"],"unknown":1})", "quiet");
  REQUIRE_FALSE(settings);
  const std::string& text = settings.error().message;
  CHECK(text.find("/unknown") != std::string::npos);
  CHECK(text.find("/sitePin: expected the site key's fingerprint, 'sha256:' and 64 hexadecimal "
                  "digits, found 'abc'") != std::string::npos);
  CHECK(
      text.find("/enrolServers/0: expected a URL that starts with 'https://', found 'http://x'") !=
      std::string::npos);
}

TEST_CASE("the kernel command line overrides the file and suffices alone") {
  FakeFilesystem files;
  files.put("/proc/cmdline",
            "quiet muster.pin=" + pin + " muster.server=https://a:1 muster.server=https://b:2\n");
  const auto settings = load_settings(files);
  REQUIRE(settings);
  CHECK(settings->site_pin == pin);
  CHECK(settings->enrol_servers == std::vector<std::string>{"https://a:1", "https://b:2"});
}
