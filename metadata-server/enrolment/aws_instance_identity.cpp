#include "enrolment/aws_instance_identity.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "document/field_syntax.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "document/time_text.hpp"
#include "pki/cms_content.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_text = 16u << 10;

tl::unexpected<Error> refuse_document(std::string_view what) {
  return fail(ErrorKind::invalid, "identity_document_invalid",
              fmt::format("instance identity document: {}", what));
}

// It becomes the key of a record.
bool is_instance_id(std::string_view text) {
  if (!text.starts_with("i-") || text.size() < 10 || text.size() > 19) return false;
  return text.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
}

Result<AwsInstance> parse_instance(std::string_view json) {
  const auto value = parse_strict_json("instance identity document", json, {largest_text, 8});
  if (!value) return refuse_document(value.error().message);
  AwsInstance instance;
  std::string launched;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);  // not closed: AWS adds fields
  root.text("accountId", instance.account);
  root.text("region", instance.region);
  root.text("instanceId", instance.instance_id);
  root.text("imageId", instance.image_id);
  root.text("privateIp", instance.address);
  root.text("pendingTime", launched);
  if (!problems.empty()) return refuse_document(to_text(problems));
  const auto time = parse_utc(launched);
  if (!time) {
    return refuse_document(
        fmt::format("/pendingTime: expected a time such as 2026-11-21T10:00:00Z, found {}",
                    in_ticks(launched)));
  }
  instance.launched = to_time_point(*time);
  if (!is_instance_id(instance.instance_id)) {
    return refuse_document(
        fmt::format("/instanceId: expected an id such as i-1234567890abcdef0, found {}",
                    in_ticks(instance.instance_id)));
  }
  if (!is_ip(instance.address)) {
    return refuse_document(
        fmt::format("/privateIp: expected an address, found {}", in_ticks(instance.address)));
  }
  return instance;
}

Result<void> check_among(const std::string& found, const std::vector<std::string>& allowed,
                         const char* what) {
  if (std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return {};
  return fail(ErrorKind::forbidden, fmt::format("identity_document_{}", what),
              fmt::format("instance identity document: expected {} {}, found {}", what,
                          allowed.empty() ? "that the policy names, which names none"
                                          : fmt::format("{}", fmt::join(allowed, " or ")),
                          in_ticks(found)));
}

}  // namespace

Result<AwsInstance> read_instance_identity(std::string_view rsa2048,
                                           const std::vector<AwsRegion>& pinned) {
  if (rsa2048.size() > largest_text) {
    return refuse_document(
        fmt::format("expected at most {} bytes, found {}", largest_text, rsa2048.size()));
  }
  std::string text(rsa2048);
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  const auto der = base64_decode(text);
  if (!der)
    return refuse_document("expected base64, as /latest/dynamic/instance-identity/rsa2048 is");
  std::vector<Certificate> signers;
  for (const AwsRegion& region : pinned) signers.push_back(region.certificate);
  const auto signed_content = verify_cms(*der, signers);
  if (!signed_content && signed_content.error().kind == ErrorKind::forbidden) {
    return fail(ErrorKind::forbidden, "identity_document_forged",
                fmt::format("instance identity document: {}", signed_content.error().message));
  }
  if (!signed_content) return refuse_document(signed_content.error().message);
  auto instance = parse_instance(signed_content->bytes);
  if (!instance) return instance;
  const std::string& region = pinned[signed_content->signer].name;
  if (instance->region != region) {
    return fail(
        ErrorKind::forbidden, "identity_document_forged",
        fmt::format("instance identity document: it says region {} and is signed by that of {}",
                    in_ticks(instance->region), region));
  }
  return instance;
}

Result<void> check_instance(const AwsInstance& instance, const AwsPolicy& policy, TimePoint now) {
  if (auto known = check_among(instance.account, policy.accounts, "account"); !known) return known;
  if (auto known = check_among(instance.region, policy.regions, "region"); !known) return known;
  if (!policy.images.empty()) {
    if (auto known = check_among(instance.image_id, policy.images, "image"); !known) return known;
  }
  // AWS's clock and ours: a launch that lies a little in the future is as young as can be.
  constexpr std::chrono::minutes skew(2);
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - instance.launched);
  if (age <= policy.maximum_age && age >= -skew) return {};
  return fail(
      ErrorKind::forbidden, "identity_document_age",
      fmt::format(
          "instance identity document: expected an instance that was launched at most {} s ago, found {} s; launch it anew, or raise the pool's spec.instanceIdentity.maximumAge",
          policy.maximum_age.count(), age.count()));
}

}  // namespace muster
