// The corpus of mistakes that broke machines elsewhere (cases/*.cases): each inventory, and the
// very words that it is answered with. MUSTER_WRITE_GOLDEN=1 writes the words anew, for a change
// that is meant.
#include <algorithm>
#include <filesystem>

#include "sample_inventory.hpp"

using namespace muster;

namespace {

struct Case {
  std::string name, words, text;
};

const std::string folder = std::string(MUSTER_TESTS_DIR) + "/unit/inventory/cases/";

// "%cluster FIELDS", "%node NAME FIELDS", "%pool NAME FIELDS" and "%profile NAME FIELDS" are short
// for an object; "%m1" for the master that every cluster needs. "# WORDS" under it are the
// component's own.
std::string expanded(const std::string& text) {
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) {
    if (line == "%m1") line = "%node m1 role: master, address: 10.77.0.11";
    std::istringstream words(line);
    std::string kind, name = "lab", fields;
    words >> kind;
    const bool is_short =
        kind == "%cluster" || kind == "%node" || kind == "%pool" || kind == "%profile";
    if (is_short && kind != "%cluster") words >> name;
    std::getline(words, fields);
    if (!is_short) {
      out += line + "\n";
    } else {
      const std::string first = kind == "%cluster"   ? "kubernetesVersion: 1.36.3,"
                                : kind == "%profile" ? ""
                                                     : "cluster: lab,";
      const std::string title = kind == "%cluster"   ? "Cluster"
                                : kind == "%node"    ? "Node"
                                : kind == "%profile" ? "Profile"
                                                     : "NodePool";
      out += "---\napiVersion: muster/v1\nkind: " + title + "\nmetadata: {name: " + name +
             "}\nspec: {" + first + fields + "}\n";
    }
  }
  out.pop_back();  // the last line ends where the file does
  return out;
}

// "==== NAME", the words, "----", the text.
std::vector<Case> read_cases(const std::string& path) {
  std::istringstream lines(sample::read_text(path));
  std::vector<Case> cases;
  std::string line;
  bool is_text = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("==== ")) {
      cases.push_back({line.substr(5), "", ""});
      is_text = false;
    } else if (line == "----") {
      is_text = true;
    } else {
      (is_text ? cases.back().text : cases.back().words) += line + "\n";
    }
  }
  return cases;
}

std::string prefixed(const std::string& prefix, const std::string& text) {
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) out += prefix + line + "\n";
  return out;
}

std::string answer(const std::string& text) {
  const auto loaded = load({{"inventory.yaml", text}});
  if (!loaded) return prefixed("error: ", to_text(loaded.error()));
  const std::string warnings = prefixed("warning: ", to_text(loaded->warnings));
  return warnings.empty() ? "sound\n" : warnings;
}

std::vector<std::string> corpus() {
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".cases") files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("mistakes that broke machines elsewhere are answered, each in its very words") {
  for (const std::string& path : corpus()) {
    std::string actual;
    for (const Case& entry : read_cases(path)) {
      CAPTURE(path);
      CAPTURE(entry.name);
      const std::string words = answer(expanded(entry.text));
      actual += "==== " + entry.name + "\n" + words + "----\n" + entry.text;
      if (std::getenv("MUSTER_WRITE_GOLDEN") == nullptr) CHECK(words == entry.words);
    }
    if (std::getenv("MUSTER_WRITE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  }
}

TEST_CASE("what was stored before these rules goes on, and is warned of in the same words") {
  std::size_t tried = 0;
  for (const std::string& path : corpus()) {
    for (const Case& entry : read_cases(path)) {
      // Rules of before refuse what is stored too.
      if (!entry.words.starts_with("error: ") || entry.name.ends_with("(of before)")) continue;
      CAPTURE(path);
      CAPTURE(entry.name);
      const auto stored = load({{"inventory.yaml", expanded(entry.text)}}, Rules::stored);
      REQUIRE_MESSAGE(stored, to_text(stored.error()));
      const std::string told = prefixed("error: ", to_text(stored->warnings));
      std::istringstream lines(entry.words);
      std::string line;
      while (std::getline(lines, line)) CHECK(told.find(line + "\n") != std::string::npos);
      ++tried;
    }
  }
  CHECK(tried > 100);
}

TEST_CASE("a file that is known from an earlier load is held to the rules at each") {
  InventoryFiles files{
      {"a.yaml", expanded("%cluster podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16\n%m1\n")},
      {"b.yaml", expanded("%node n1 role: node, address: 10.77.0.21, taints: \n")}};
  KnownFiles known;
  for (int turn = 0; turn < 2; ++turn) {
    const auto loaded = load(files, known);
    REQUIRE(!loaded);
    CHECK(
        to_text(loaded.error()) ==
        "b.yaml:5:55: spec.taints: expected a list, found nothing; write it, or leave the key out\n");
  }
  files["b.yaml"] = expanded("%node n1 role: node, address: 127.0.0.1\n");
  for (int turn = 0; turn < 2; ++turn) CHECK(!load(files, known));
}
