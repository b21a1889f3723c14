#include "boot/metadata_tokens.hpp"

#include <doctest/doctest.h>

using namespace muster;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string refusal_of(std::string_view text) {
  const auto parsed = parse_token_lifetime(text);
  return parsed ? "accepted" : parsed.error().message;
}

}  // namespace

TEST_CASE("a lifetime is 1 to 21600 seconds") {
  CHECK(parse_token_lifetime("1") == seconds(1));
  CHECK(parse_token_lifetime("21600") == seconds(21600));
  const std::string expected =
      "header X-aws-ec2-metadata-token-ttl-seconds: expected 1 to 21600, found ";
  CHECK(refusal_of("") == expected + "none");
  for (const std::string text :
       {"0", "21601", "-1", "+5", "1.5", "60s", " 60", "1e3", "abc", "99999999999999999999"}) {
    CHECK(refusal_of(text) == expected + "'" + text + "'");
  }
}

TEST_CASE("a token is good for its source until its end") {
  const MetadataTokens tokens(TokenPolicy::optional);
  const auto now = MetadataTokens::Clock::now();
  const std::string token = tokens.issue("10.77.0.21", seconds(60), now);
  CHECK(token.size() == 56);
  CHECK(tokens.left(token, "10.77.0.21", now) == seconds(60));
  CHECK(tokens.left(token, "10.77.0.21", now + milliseconds(59001)) == seconds(1));
  CHECK_FALSE(tokens.left(token, "10.77.0.21", now + seconds(60)));
  CHECK_FALSE(tokens.left(token, "10.77.0.22", now));
  CHECK_FALSE(tokens.left(token, "", now));
}

TEST_CASE("nobody else makes or alters a token") {
  const MetadataTokens tokens(TokenPolicy::optional), others(TokenPolicy::optional);
  const auto now = MetadataTokens::Clock::now();
  const std::string token = tokens.issue("10.77.0.21", seconds(60), now);
  CHECK_FALSE(others.left(token, "10.77.0.21", now));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'B' ? 'C' : 'B';
    CHECK_FALSE(tokens.left(altered, "10.77.0.21", now));
  }
  for (const char* text : {"", "AAAA", "no base64", "AAAAAAAAAAA="}) {
    CHECK_FALSE(tokens.left(text, "10.77.0.21", now));
  }
  CHECK_FALSE(tokens.left(token + "AAAA", "10.77.0.21", now));
}
