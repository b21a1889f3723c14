#include "store/kinds.hpp"

#include <doctest/doctest.h>

namespace muster {

TEST_CASE("keys are what the records are named on disk") {
  CHECK(kinds::pair_key("lab", "m1") == "lab/m1");
  CHECK(kinds::prefix_of("lab") == "lab/");
  CHECK(kinds::revision_key("lab", 42) == "lab/000000000042");
  CHECK(kinds::secret_key("lab", "db", 3) == "lab/db/000000000003");
  CHECK(kinds::secret_prefix("lab", "db") == "lab/db/");
  CHECK(kinds::audit_key(1763701234567890, "9f86d081") == "00001763701234567890-9f86d081");
  CHECK(kinds::row_name(kinds::secret, "lab/db/000000000003") == "secret|lab/db/000000000003");
}

TEST_CASE("keys read back") {
  CHECK(kinds::parse_pair_key("lab/m1") == std::pair<std::string, std::string>("lab", "m1"));
  CHECK_FALSE(kinds::parse_pair_key("lab"));
  CHECK_FALSE(kinds::parse_pair_key("/m1"));
  CHECK_FALSE(kinds::parse_pair_key("lab/"));
  CHECK(kinds::parse_number("lab/db/000000000003") == 3);
  CHECK(kinds::parse_number("lab/000000000042") == 42);
  CHECK_FALSE(kinds::parse_number("lab"));
  CHECK_FALSE(kinds::parse_number("lab/4x"));
  CHECK_FALSE(kinds::parse_number("lab/"));
}

}  // namespace muster
