#include "enrolment/aws_instance_identity.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "fakes/cms_signer.hpp"
#include "pki/signature.hpp"

using namespace muster;

namespace {

const CmsSigner& dublin() {
  static const CmsSigner signer(2);
  return signer;
}
std::vector<AwsRegion> pinned() {
  return {{"eu-central-1", frankfurt().certificate()}, {"eu-west-1", dublin().certificate()}};
}

// As EC2 writes it (AWS EC2 User Guide, "Instance identity documents").
std::string document(const std::string& region = "eu-central-1",
                     const std::string& time = "2026-11-21T10:00:00Z") {
  return fmt::format(R"({{
    "devpayProductCodes" : null,
    "marketplaceProductCodes" : [ "1abc2defghijklm3nopqrs4tu" ],
    "availabilityZone" : "{0}b",
    "privateIp" : "10.158.112.84",
    "version" : "2017-09-30",
    "instanceId" : "i-1234567890abcdef0",
    "billingProducts" : null,
    "instanceType" : "t2.micro",
    "accountId" : "123456789012",
    "imageId" : "ami-5fb8c835",
    "pendingTime" : "{1}",
    "architecture" : "x86_64",
    "kernelId" : null,
    "ramdiskId" : null,
    "region" : "{0}"
}})",
                     region, time);
}

// In lines of 64, as the metadata service gives it.
std::string lines(const std::string& der) {
  std::string text = base64_encode(der);
  for (std::size_t at = 64; at < text.size(); at += 65) text.insert(at, "\n");
  return text + "\n";
}

std::string why_not(const std::string& text) {
  const auto read = read_instance_identity(text, pinned());
  return read ? "read" : read.error().code + ": " + read.error().message;
}

AwsPolicy policy() {
  return {{"123456789012"}, {"eu-central-1", "eu-west-1"}, {}, std::chrono::minutes(15)};
}

}  // namespace

TEST_CASE("an instance is read from what its region signed") {
  const auto instance = read_instance_identity(lines(frankfurt().sign(document())), pinned());
  REQUIRE(instance);
  CHECK(instance->account == "123456789012");
  CHECK(instance->region == "eu-central-1");
  CHECK(instance->instance_id == "i-1234567890abcdef0");
  CHECK(instance->image_id == "ami-5fb8c835");
  CHECK(instance->address == "10.158.112.84");
  CHECK(instance->launched == TimePoint(std::chrono::seconds(1795255200)));
}

TEST_CASE("forged documents are refused") {
  const CmsSigner attacker(9);
  const std::string none =
      "identity_document_forged: instance identity document: CMS message: it is signed by none of the certificates that are trusted for it";
  CHECK(why_not(lines(attacker.sign(document()))) == none);
  // With his own certificate inside: what AWS's published openssl command accepts.
  CHECK(why_not(lines(attacker.sign(document(), EVP_sha256(), 0))) == none);
  CHECK(
      why_not(lines(frankfurt().sign(document(), EVP_sha1()))) ==
      "identity_document_forged: instance identity document: CMS message: expected a signature over SHA-256, SHA-384 or SHA-512, found SHA1");
  CHECK(
      why_not(lines(dublin().sign(document()))) ==
      "identity_document_forged: instance identity document: it says region 'eu-central-1' and is signed by that of eu-west-1");
}

TEST_CASE("what is no instance identity document is refused") {
  const std::string start = "identity_document_invalid: instance identity document: ";
  CHECK(why_not("###") ==
        start + "expected base64, as /latest/dynamic/instance-identity/rsa2048 is");
  CHECK(why_not(std::string((16u << 10) + 1, 'A')) ==
        start + "expected at most 16384 bytes, found 16385");
  CHECK(
      why_not(lines(frankfurt().sign("{}"))) ==
      start +
          "/accountId: expected a string, found nothing\n/region: expected a string, found nothing\n"
          "/instanceId: expected a string, found nothing\n/imageId: expected a string, found nothing\n"
          "/privateIp: expected a string, found nothing\n"
          "/pendingTime: expected a string, found nothing");
  CHECK(
      why_not(lines(frankfurt().sign(document("eu-central-1", "2026-13-21T10:00:00Z")))) ==
      start +
          "/pendingTime: expected a time such as 2026-11-21T10:00:00Z, found '2026-13-21T10:00:00Z'");
}

TEST_CASE("the policy decides on account, region, image and age") {
  const auto instance =
      read_instance_identity(lines(frankfurt().sign(document())), pinned()).value();
  const auto why = [&](const AwsPolicy& wanted, std::chrono::seconds age) {
    const auto checked = check_instance(instance, wanted, instance.launched + age);
    return checked ? "" : checked.error().code + ": " + checked.error().message;
  };
  CHECK(why(policy(), std::chrono::minutes(15)) == "");
  CHECK(why(policy(), std::chrono::seconds(-100)) == "");
  CHECK(
      why(policy(), std::chrono::seconds(901)) ==
      "identity_document_age: instance identity document: expected an instance that was launched at most 900 s ago, found 901 s; launch it anew, or raise the pool's spec.instanceIdentity.maximumAge");
  CHECK(why(policy(), std::chrono::hours(-1)).starts_with("identity_document_age: "));
  AwsPolicy other = policy();
  other.accounts = {"210987654321"};
  CHECK(
      why(other, {}) ==
      "identity_document_account: instance identity document: expected account 210987654321, found '123456789012'");
  other = policy();
  other.regions.clear();
  CHECK(
      why(other, {}) ==
      "identity_document_region: instance identity document: expected region that the policy names, which names none, found 'eu-central-1'");
  other = policy();
  other.images = {"ami-1", "ami-2"};
  CHECK(
      why(other, {}) ==
      "identity_document_image: instance identity document: expected image ami-1 or ami-2, found 'ami-5fb8c835'");
}
