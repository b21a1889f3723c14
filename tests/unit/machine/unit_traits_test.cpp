#include "machine/unit_traits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

using namespace muster;

namespace {

// Key -> words of all its lines.
std::map<std::string, std::set<std::string>> unit_file(std::string_view name) {
  std::ifstream file(std::string(MUSTER_TESTS_DIR) + "/../units/" + std::string(name));
  REQUIRE(file.good());
  std::map<std::string, std::set<std::string>> keys;
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos || line[0] == '#') continue;
    std::istringstream words(line.substr(equals + 1));
    for (std::string word; words >> word;) keys[line.substr(0, equals)].insert(word);
  }
  return keys;
}

bool is_known(const std::string& unit) {
  return std::any_of(unit_traits().begin(), unit_traits().end(),
                     [&](const auto& traits) { return traits.name == unit; });
}

}  // namespace

TEST_CASE("what a unit needs is what its file is ordered after") {
  for (const auto& traits : unit_traits()) {
    CAPTURE(traits.name);
    std::set<std::string> after;  // of the table's own
    const auto file = unit_file(traits.name);
    for (const auto& unit : file.at("After")) {
      if (is_known(unit)) after.insert(unit);
    }
    CHECK(std::set<std::string>(traits.needs.begin(), traits.needs.end()) == after);
  }
}

TEST_CASE("a unit whose start says nothing is known by its port") {
  for (const auto& traits : unit_traits()) {
    CAPTURE(traits.name);
    auto type = unit_file(traits.name)["Type"];
    CHECK((traits.port == 0) == (type.count("notify") + type.count("oneshot") == 1));
  }
}

TEST_CASE("needs go all the way down") {
  CHECK(needs_of("kube-scheduler.service") ==
        std::set<std::string>{"kube-apiserver.service", "etcd.service"});
  CHECK(needs_of("kube-proxy.service").count("kube-api-balancer.service") == 1);
  CHECK(needs_of("kubelet.service").count("containerd.service") == 1);
  CHECK(needs_of("somebody-elses.service").empty());
}
