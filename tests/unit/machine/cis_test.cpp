// The CIS list of tests/golden/machine/cis.txt against the golden files: "!" means "must not be
// there",
// "|" a line break. golden_test.cpp proves that the golden files are what is rendered.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string read(const std::string& name) {
  std::ifstream stream(std::string(MUSTER_TESTS_DIR) + "/golden/machine/" + name);
  REQUIRE_MESSAGE(stream.good(), name);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

}  // namespace

TEST_CASE("CIS Kubernetes Benchmark: flags and fields") {
  std::istringstream rows(read("cis.txt"));
  std::string row;
  int checked = 0;
  while (std::getline(rows, row)) {
    if (row.empty() || row[0] == '#') continue;
    std::istringstream words(row);
    std::string section, file, text;
    words >> section >> file;
    std::getline(words >> std::ws, text);
    const bool is_forbidden = text[0] == '!';
    if (is_forbidden) text.erase(0, 1);
    std::replace(text.begin(), text.end(), '|', '\n');
    CAPTURE(section);
    CAPTURE(text);
    CHECK((read(file).find(text) == std::string::npos) == is_forbidden);
    ++checked;
  }
  CHECK(checked >= 50);
}
