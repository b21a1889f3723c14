// A proof of identity: the EC2 instance identity document with its RSA-2048 signature, as an
// instance reads it from /latest/dynamic/instance-identity/rsa2048. It says which instance speaks;
// it does not expire, has no nonce, and any process on the instance can read it, so that it counts
// only while it is young, once per instance, and beside what else the pool's policy asks for.
// Source: AWS EC2 User Guide, "Instance identity documents". Pure; thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate.hpp"
#include "result/result.hpp"

namespace muster {

// AWS signs with one certificate per region, which it publishes and which the site pins.
struct AwsRegion {
  std::string name;  // "eu-central-1"
  Certificate certificate;
};

struct AwsInstance {
  std::string account, region, instance_id, image_id, address;  // "123456789012", "i-0abc...", ...
  TimePoint launched;                                           // pendingTime
};

// What a site or a pool lets in. An empty list allows none but `images`, where it allows any.
struct AwsPolicy {
  std::vector<std::string> accounts, regions, images;
  std::chrono::seconds maximum_age{std::chrono::minutes(15)};  // since `launched`
};

// `rsa2048`: base64 with or without line breaks, at most 16 KiB. Only the bytes that the signature
// covers are parsed. Codes: identity_document_invalid, identity_document_forged (not signed by a
// pinned region, or by another one than it names).
[[nodiscard]] Result<AwsInstance> read_instance_identity(std::string_view rsa2048,
                                                         const std::vector<AwsRegion>& pinned);
// Codes: identity_document_account, _region, _image, _age.
[[nodiscard]] Result<void> check_instance(const AwsInstance& instance, const AwsPolicy& policy,
                                          TimePoint now);

}  // namespace muster
