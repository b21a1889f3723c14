#include "boot/ec2_metadata.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "fakes/golden.hpp"
#include "sample_machine.hpp"

using namespace muster;

namespace {

std::optional<std::string> sign() {
  return "{\"signed\":true}";
}

std::string text_at(const std::string& path, const BootMachine& machine = sample::machine()) {
  return ec2_metadata(path, machine, sample::site, sign).value_or("no such path");
}

// Every path below `folder` with its text, as a client finds it that follows the listings.
void crawl(const std::string& folder, const BootMachine& machine, std::string& found) {
  const auto list = ec2_metadata(folder, machine, sample::site, sign);
  REQUIRE_MESSAGE(list, folder);
  REQUIRE_MESSAGE(!list->empty(), folder);
  std::istringstream lines(*list);
  for (std::string entry; std::getline(lines, entry);) {
    if (entry.ends_with('/')) {
      crawl(folder + entry, machine, found);
      continue;
    }
    const auto leaf = ec2_metadata(folder + entry, machine, sample::site, sign);
    REQUIRE_MESSAGE(leaf, (folder + entry));
    REQUIRE_MESSAGE(!leaf->empty(), (folder + entry));
    found += fmt::format("{}{}: {}\n", folder, entry, *leaf);
  }
}

std::string crawled(const std::string& folder, const BootMachine& machine) {
  std::string found;
  crawl(folder, machine, found);
  return found;
}

}  // namespace

TEST_CASE("whatever a listing names is there") {
  check_golden("boot/ec2-latest", crawled("latest/", sample::machine()));
  check_golden("boot/ec2-two-interfaces",
               crawled("latest/meta-data/network/",
                       sample::machine({"0c:c4:7a:80:09:1f", "0c:c4:7a:80:09:20"})));
  CHECK(crawled("latest/meta-data/", sample::machine({})).find("mac") == std::string::npos);
  // Every version shows the same.
  const std::string all = crawled("", sample::machine({}));
  CHECK(all.find("2009-04-04/meta-data/instance-id: i-") != std::string::npos);
  CHECK(all.find("2021-03-23/user-data: #cloud-config\n") != std::string::npos);
}

TEST_CASE("listings name folders with a slash") {
  CHECK(text_at("") == "2009-04-04/\n2016-09-02/\n2018-09-24/\n2021-03-23/\nlatest/");
  CHECK(text_at("latest/") == "dynamic/\nmeta-data/\nuser-data");
  CHECK(text_at("latest") == text_at("latest/"));
  CHECK(text_at("latest/meta-data") == text_at("latest/meta-data/"));
  CHECK(text_at("latest/meta-data/network/interfaces/macs/") == "0c:c4:7a:80:09:1f/");
}

TEST_CASE("an identity that nobody signs here is listed without its signature") {
  const std::string folder = "latest/dynamic/instance-identity";
  CHECK(text_at(folder) == "document\ndsse");
  const auto unsigned_at = [&](const std::string& path) {
    return ec2_metadata(path, sample::machine(), sample::site, [] { return std::nullopt; });
  };
  CHECK(unsigned_at(folder) == "document");
  CHECK_FALSE(unsigned_at(folder + "/dsse"));
}

TEST_CASE("what is not there is not there") {
  for (const char* path :
       {"2010-01-01/", "v1/enrol", "latest/meta-data/instance-id/", "latest/meta-data/inst",
        "latest/meta-data/public-keys/", "latest/meta-data/iam/security-credentials/",
        "latest/user-data/", "latest/dynamic/instance-identity/pkcs7", "latest/api/token",
        "latest//"}) {
    CHECK_MESSAGE(text_at(path) == "no such path", path);
  }
}
