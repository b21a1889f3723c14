#include <doctest/doctest.h>

#include "machine/arguments.hpp"

using namespace muster;

TEST_CASE("a flag keeps its place and takes the inventory's value") {
  Arguments arguments = {{"a", "1"}, {"b", "2"}};
  arguments.override_with({{"etcd", {{"a", "3"}, {"c", "4"}}}, {"other", {{"b", "5"}}}}, "etcd");
  CHECK(arguments.words() == std::vector<std::string>{"--a=3", "--b=2", "--c=4"});
  CHECK(arguments.value("c") == "4");
  CHECK(arguments.value("d").empty());
}

TEST_CASE("a list of the inventory's adds to what is kept") {
  const auto kept = [](const std::string& written) {
    Arguments arguments = {{"a", "X,-y,z=1"}};
    arguments.override_with({{"c", {{"a", written}}}}, "c");
    arguments.keep_entries("a", {"X", "-y", "z=1"});
    return std::string(arguments.value("a"));
  };
  CHECK(kept("X,-y,z=1") == "X,-y,z=1");
  CHECK(kept("A,B") == "A,B,X,-y,z=1");
  CHECK(kept("") == "X,-y,z=1");
  CHECK(kept("XX,y,z=0") == "XX,y,z=0,X");
}

TEST_CASE("the environment file survives both of systemd's passes") {
  CHECK(environment_file({}) == "ARGS=\n");
  CHECK(environment_file({{"v", "2"}, {"w", "3"}}) == "ARGS=--v=2 --w=3\n");
  CHECK(environment_file({{"v", "a b"}}, "MORE") == "MORE=--v=a\\\\ b\n");
  CHECK(environment_file({{"v", "it's \"x\""}}) == "ARGS=--v=it\\\\'s\\\\ \\\\\"x\\\\\"\n");
  CHECK(environment_file({{"v", "\\"}}) == "ARGS=--v=\\\\\\\\\n");
}
