#include "enrolment/pinned_regions.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "fakes/cms_signer.hpp"
#include "fakes/scratch_folder.hpp"

using namespace muster;

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("each file pins the certificates of one region") {
  const ScratchFolder folder;
  const CmsSigner old(1), fresh(2), other(3);
  write(folder.path("eu-central-1.pem"), old.certificate().pem() + fresh.certificate().pem());
  write(folder.path("us-gov-west-1.pem"), other.certificate().pem());
  write(folder.path(".hidden"), "x");
  const auto regions = load_pinned_regions(folder.path());
  REQUIRE_MESSAGE(regions, regions.error().message);
  REQUIRE(regions->size() == 3);
  CHECK((*regions)[0].name == "eu-central-1");
  CHECK((*regions)[1].certificate.fingerprint() == fresh.certificate().fingerprint());
  CHECK((*regions)[2].name == "us-gov-west-1");
}

TEST_CASE("every problem of the folder is told with its file and its cure") {
  const ScratchFolder folder;
  const std::string at = "'" + folder.path() + "/";
  CHECK(
      load_pinned_regions(folder.path()).error().message ==
      "awsCertificates: refused, 1 problem:\n'" + folder.path() +
          "': expected a file REGION.pem such as eu-central-1.pem, found none; put one there, or leave the setting out");
  write(folder.path("eu-central-1.pem"), "-----BEGIN CERTIFICATE-----\n");
  write(folder.path("eu-west-1.pem"), CmsSigner(1, 1024).certificate().pem());
  write(folder.path("frankfurt.pem"), CmsSigner(1).certificate().pem());
  write(folder.path("us-east-1.pem"), std::string(70000, 'x'));
  const auto regions = load_pinned_regions(folder.path());
  REQUIRE_FALSE(regions);
  CHECK(
      regions.error().message ==
      "awsCertificates: refused, 4 problems:\n" + at +
          "eu-central-1.pem': expected a certificate in PEM; take that of the region from AWS's list for rsa2048 signatures\n" +
          at +
          "eu-west-1.pem': expected an RSA key of at least 2048 bits, found another; take the certificate from AWS's list for rsa2048 signatures, not for pkcs7\n" +
          at +
          "frankfurt.pem': expected the name REGION.pem such as eu-central-1.pem; rename or remove it\n" +
          at + "us-east-1.pem': expected at most 65536 bytes");
  const auto none = load_pinned_regions(folder.path("none"));
  CHECK(none.error().message == "awsCertificates: reading the folder '" + folder.path("none") +
                                    "': No such file or directory");
}
