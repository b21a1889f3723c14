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

TEST_CASE("columns are aligned by characters, not by bytes") {
  Table table({"NAME", "X"});
  table.row({"grün", "1"});
  table.row({"rot-4", "2"});
  CHECK(table.text() == "NAME   X\ngrün   1\nrot-4  2\n");
}

TEST_CASE("eight-bit controls and marks that turn text around are escaped too") {
  CHECK(printable("a\xc2\x9b"
                  "b") == "a\\xc2\\x9bb");
  CHECK(printable("a\xe2\x80\xae"
                  "b") == "a\\xe2\\x80\\xaeb");
  CHECK(printable("grün \xe2\x82\xac") == "grün \xe2\x82\xac");
  CHECK(printable("\x9b") == "\\x9b");
}
