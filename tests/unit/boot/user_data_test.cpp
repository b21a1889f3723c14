#include "boot/user_data.hpp"

#include "fakes/golden.hpp"

using namespace muster;

namespace {

SiteContact site() {
  return {"sha256:" + std::string(64, '5'),
          {"https://10.77.0.1:8443"},
          {"http://10.77.0.1:8080"},
          "sha256:" + std::string(64, 'a')};
}

const std::string whom = "cluster ci-42, pool workers", token = "muster1.0123456789abcdef.secret";

}  // namespace

TEST_CASE("user-data tells the agent whom to trust, and fetches it by digest") {
  check_golden("boot/user-data-of-pool", user_data(site(), whom, token));
}

TEST_CASE("an image that carries the agent fetches nothing") {
  SiteContact carried = site();
  carried.agent_digest.clear();
  const std::string text = user_data(carried, whom, token);
  CHECK(text.find("muster-install") == std::string::npos);
  CHECK(text.find("http://") == std::string::npos);
  CHECK(text.find("- [systemctl, start, --no-block, muster.target]\n") != std::string::npos);
}

TEST_CASE("a listed machine's brings the agent in the same way, without a token") {
  const std::string of_pool = user_data(site(), whom, token);
  std::string listed = user_data(site(), whom);
  CHECK(listed.find("token") == std::string::npos);
  const std::string line = ",\n      \"token\": \"" + token + "\"";
  listed.insert(of_pool.find(line), line);
  CHECK(listed == of_pool);
}
