#include "settings.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <fstream>

#include "fakes/scratch_folder.hpp"

using namespace muster;

TEST_CASE("one field is enough, and every default is the README's") {
  const auto settings = parse_settings(R"({"advertise":["10.77.0.1"]})");
  REQUIRE(settings);
  CHECK(settings->state_directory == "/var/lib/muster-server");
  CHECK(settings->admin.address == "unix:/run/muster/admin.sock");
  CHECK(settings->admin.unix_group == "muster");
  CHECK(settings->log_level == "info");
  CHECK(settings->boot.address == "0.0.0.0:8080");
  CHECK(settings->enrol.address == "0.0.0.0:8443");
  CHECK(settings->node.address == "0.0.0.0:8444");
  CHECK(settings->scrape.address == "127.0.0.1:9180");
  CHECK(settings->enrol.tls);
  CHECK(settings->node.tls);
  CHECK_FALSE(settings->boot.tls);
  CHECK(settings->metadata_tokens == TokenPolicy::optional);
  CHECK(settings->aws_certificates.empty());
  CHECK(settings->expiry_hook.empty());
  CHECK(settings->audit.in_store == std::chrono::hours(24 * 30));
  CHECK(settings->audit.in_files == std::chrono::hours(24 * 365));
  CHECK(settings->audit.rows_in_store == 100000);
  CHECK(database_path(*settings) == "/var/lib/muster-server/state.sqlite");
  CHECK(artifacts_path(*settings) == "/var/lib/muster-server/artifacts");
}

TEST_CASE("every mistake is told at once") {
  const auto settings = parse_settings(
      R"({"advertise":[],"stateDirectory":"x","adminSocket":"y","logLevel":"loud","port":1,)"
      R"("metadataTokens":"maybe","backup":"sometimes","awsCertificates":"z","expiryHook":"x",)"
      R"("audit":{"daysInStore":0,"rowsInStore":5},"memberQuarantineMinutes":0,)"
      R"("boot":{"listen":"8080","threads":0},"node":{"workers":257,"connections":0}})");
  REQUIRE_FALSE(settings);
  CHECK(settings.error().kind == ErrorKind::invalid);
  CHECK(
      settings.error().message ==
      "settings: refused, 16 problems:\n"
      "/awsCertificates: expected an absolute path, found 'z'\n"
      "/audit/daysInStore: expected 1 to 3650 days, found 0\n"
      "/audit/rowsInStore: expected at least 100, found 5\n"
      "/metadataTokens: expected optional or required, found 'maybe'\n"
      "/backup: expected optional or required, found 'sometimes'\n"
      "/adminSocket: expected an absolute path, found 'y'\n"
      "/boot/listen: expected ADDRESS:PORT, found '8080'\n"
      "/boot/threads: expected 1 to 64, found 0\n"
      "/node/workers: expected 1 to 256, found 257\n"
      "/node/connections: expected at least 1, found 0\n"
      "/advertise: expected at least one address or name under which machines reach this server, found none\n"
      "/stateDirectory: expected an absolute path, found 'x'\n"
      "/expiryHook: expected an absolute path of a program, found 'x'\n"
      "/memberQuarantineMinutes: expected 1 to 1440 (a day), found 0\n"
      "/logLevel: expected trace, debug, info, warn or error, found 'loud'\n"
      "/port: unknown field, expected one of adminGroup, adminSocket, advertise, audit, awsCertificates, backup, boot, enrol, expiryHook, identityLifetimeMinutes, logLevel, memberQuarantineMinutes, metadataTokens, metrics, node, sealingKey, stateDirectory");
}

TEST_CASE("an advertised address is no URL and has no port") {
  const auto settings = parse_settings(R"({"advertise":["https://x/"]})");
  REQUIRE_FALSE(settings);
  CHECK(
      settings.error().message ==
      "settings: refused, 1 problem:\n/advertise: expected addresses or names without port, found 'https://x/'");
}

TEST_CASE("the trust list names every advertised host with the port of each listener") {
  const auto settings = parse_settings(
      R"({"advertise":["10.77.0.1","fd00::1","muster.example"],"node":{"listen":"[::]:9444"}})");
  REQUIRE(settings);
  const auto addresses = server_addresses(*settings);
  CHECK(addresses.boot == std::vector<std::string>{"http://10.77.0.1:8080", "http://[fd00::1]:8080",
                                                   "http://muster.example:8080"});
  CHECK(addresses.enrol.at(1) == "https://[fd00::1]:8443");
  CHECK(addresses.node.at(2) == "https://muster.example:9444");
}

TEST_CASE(
    "the sealing key is where it is said, else the service manager's, else beside the state") {
  const ScratchFolder folder;
  auto settings = parse_settings(R"({"advertise":["x"],"stateDirectory":"/state"})").value();
  CHECK(sealing_key_path(settings) == "/state/sealing-key");
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  CHECK(sealing_key_path(settings) == "/state/sealing-key");
  std::ofstream(folder.path("sealing-key")) << "k";
  CHECK(sealing_key_path(settings) == folder.path("sealing-key"));
  settings.sealing_key = "/elsewhere";
  CHECK(sealing_key_path(settings) == "/elsewhere");
  unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("a file that is not there, or not right, is named") {
  const ScratchFolder folder;
  CHECK(load_settings(folder.path("none")).error().message ==
        "reading settings '" + folder.path("none") + "': No such file or directory");
  std::ofstream(folder.path("bad")) << "{}";
  CHECK(load_settings(folder.path("bad"))
            .error()
            .message.starts_with("'" + folder.path("bad") + "': settings: refused, "));
}
