#include "cli/table.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("columns are as wide as their widest cell, empty cells read -") {
  Table table({"NAME", "STATE", "SEEN"});
  table.row({"m1", "enrolled", ""});
  table.row({"node-with-a-long-name", "", "now"});
  CHECK(table.text() ==
        "NAME                   STATE     SEEN\n"
        "m1                     enrolled  -\n"
        "node-with-a-long-name  -         now\n");
}

TEST_CASE("a machine's words cannot write to the terminal") {
  Table table({"HOST"});
  table.row({"\x1b[2Jx\ny"});
  CHECK(table.text() == "HOST\n\\x1b[2Jx\\x0ay\n");
}
