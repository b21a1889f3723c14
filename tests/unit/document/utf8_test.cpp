#include "document/utf8.hpp"

#include <doctest/doctest.h>

#include "document/problem.hpp"

using namespace muster;

TEST_CASE("the first byte that an inventory may not hold") {
  CHECK(find_bad_byte("a\tb\r\ngr\xc3\xbcn \xf0\x9f\x90\xa7") == std::string_view::npos);
  CHECK(find_bad_byte("ab\x01") == 2);
  CHECK(find_bad_byte("ab\x7f") == 2);
  CHECK(find_bad_byte("a\xc3") == 1);              // ends in the middle
  CHECK(find_bad_byte("a\xc0\xaf") == 1);          // '/' in two bytes
  CHECK(find_bad_byte("a\xed\xa0\x80") == 1);      // a surrogate
  CHECK(find_bad_byte("a\xf4\x90\x80\x80") == 1);  // beyond U+10FFFF
}

TEST_CASE("a text is cut between characters") {
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("abcd", 3) == "abc");
  CHECK(cut_text("ab\xc3\xbc", 3) == "ab");
  CHECK(cut_text("ab\xc3\xbc", 4) == "ab\xc3\xbc");
  CHECK(cut_text("a\xf0\x9f\x90\xa7", 4) == "a");
  CHECK(cut_text("\xf0\x9f\x90\xa7", 3).empty());
  // No UTF-8 at all: cut all the same.
  CHECK(cut_text(std::string(10, '\x80'), 6).size() == 6);
}

TEST_CASE("what is shown writes to no terminal") {
  CHECK(printable("gr\xc3\xbcn \xe2\x82\xac") == "gr\xc3\xbcn \xe2\x82\xac");
  CHECK(printable("\x1b[2J\n\x7f") == "\\x1b[2J\\x0a\\x7f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");           // CSI in one character
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // right-to-left override
  CHECK(printable("\xff\x80 \xc3") == "\\xff\\x80 \\xc3");
}

TEST_CASE("a text in ticks is cut after 80 bytes, never inside a character") {
  CHECK(in_ticks("x\x1b") == "'x\\x1b'");
  CHECK(in_ticks(std::string(80, 'x')) == "'" + std::string(80, 'x') + "'");
  CHECK(in_ticks(std::string(81, 'x')) == "'" + std::string(80, 'x') + "...'");
  CHECK(in_ticks(std::string(79, 'x') + "\xc3\xbc") == "'" + std::string(79, 'x') + "...'");
  CHECK(in_ticks(std::string(78, 'x') + "\xc3\xbc" + "y") ==
        "'" + std::string(78, 'x') + "\xc3\xbc...'");
}
