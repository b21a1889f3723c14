// Of the CIS list (tests/conformance/cis.txt, which tells its form) the lines of `flag` and `text`
// against the golden files; golden_test.cpp proves that these are what is rendered.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string read(const std::string& name) {
  std::ifstream stream(std::string(MUSTER_TESTS_DIR) + "/" + name);
  REQUIRE_MESSAGE(stream.good(), name);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

}  // namespace

TEST_CASE("CIS Kubernetes Benchmark: flags and fields") {
  std::istringstream rows(read("conformance/cis.txt"));
  std::string row;
  int checked = 0;
  while (std::getline(rows, row)) {
    std::istringstream words(row);
    std::string number, role, check, subject, text;
    words >> number >> role >> check >> subject;
    if (row[0] == '#' || (check != "flag" && check != "text")) continue;
    std::getline(words >> std::ws, text);
    const bool is_forbidden = text[0] == '!';
    if (is_forbidden) text.erase(0, 1);
    std::replace(text.begin(), text.end(), '|', '\n');
    const std::string name =
        check == "flag" ? subject + ".args" : subject.substr(subject.rfind('/') + 1);
    // An argument begins so: each has a line of its own.
    const std::string found = "\n" + read("golden/machine/" + name);
    if (check == "flag") text.insert(0, "\n");
    CAPTURE(number);
    CAPTURE(text);
    CHECK((found.find(text) == std::string::npos) == is_forbidden);
    ++checked;
  }
  CHECK(checked >= 60);
}
