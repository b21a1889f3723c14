// Compares rendered text with a file in tests/golden. With MUSTER_RECORD=1 the file is written anew
// and the test fails, so that a recording run is never taken for a passing one.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace muster {

inline void check_golden(const std::string& file, const std::string& text) {
  const std::string path = std::string(MUSTER_TESTS_DIR) + "/golden/" + file;
  if (std::getenv("MUSTER_RECORD") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    FAIL_CHECK("recorded " << path << "; run again without MUSTER_RECORD");
    return;
  }
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(),
                  "golden file " << path << " is missing; record it with MUSTER_RECORD=1");
  std::ostringstream content;
  content << stream.rdbuf();
  INFO("golden file " << path);
  CHECK(text == content.str());
}

}  // namespace muster
