// Session tokens of the EC2-style metadata (docs.aws.amazon.com, "Use the Instance Metadata
// Service"; IMDSv2). A token holds its own end and a code over it and its source: nothing is kept,
// so no flood of requests fills anything. A restart voids them all, and clients ask again.
// Thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

// Whether metadata is told without a token. cloud-init asks for one only where the machine says
// that it is on AWS, so machines of a rack have none.
enum class TokenPolicy { optional, required };

// 1 to 21600 seconds, as `X-aws-ec2-metadata-token-ttl-seconds` says. invalid: anything else.
[[nodiscard]] Result<std::chrono::seconds> parse_token_lifetime(std::string_view text);

class MetadataTokens {
 public:
  using Clock = std::chrono::steady_clock;  // a step of the wall clock must not revive or void one
  explicit MetadataTokens(TokenPolicy policy);

  [[nodiscard]] TokenPolicy policy() const { return policy_; }
  // 56 letters, good for this source address alone.
  [[nodiscard]] std::string issue(std::string_view source, std::chrono::seconds lifetime,
                                  Clock::time_point now = Clock::now()) const;
  // What is left of it, rounded up; nullopt: not ours, another source's, or expired.
  [[nodiscard]] std::optional<std::chrono::seconds> left(
      std::string_view token, std::string_view source, Clock::time_point now = Clock::now()) const;

 private:
  const TokenPolicy policy_;
  const std::string key_;
};

}  // namespace muster
