#include "enrolment/user_data.hpp"

#include "fakes/golden.hpp"

using namespace muster;

namespace {

UserDataInput input() {
  return {"ci-42",
          "workers",
          "sha256:" + std::string(64, '5'),
          {{"http://10.77.0.1:8080"}, {"https://10.77.0.1:8443"}, {"https://10.77.0.1:8444"}},
          "muster1.0123456789abcdef.secret",
          "sha256:" + std::string(64, 'a')};
}

}  // namespace

TEST_CASE("user-data tells the agent whom to trust, and fetches it by digest") {
  check_golden("enrolment/user-data.yaml", user_data(input()));
}

TEST_CASE("an image that carries the agent fetches nothing") {
  UserDataInput carried = input();
  carried.agent_digest.clear();
  const std::string text = user_data(carried);
  CHECK(text.find("muster-install") == std::string::npos);
  CHECK(text.find("http://") == std::string::npos);
  CHECK(text.find("- [systemctl, start, --no-block, muster.target]\n") != std::string::npos);
}
