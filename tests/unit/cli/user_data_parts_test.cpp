#include "cli/user_data_parts.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("parts of the operator's own come first, ours last and adding to lists") {
  const auto text = with_parts("#cloud-config\nruncmd: [[true]]\n",
                               {{"hello.sh", "#!/bin/sh\necho hello\n"},
                                {"own.mime",
                                 "Content-Type: multipart/mixed; boundary=\"b\"\n\n"
                                 "--b\nContent-Type: text/x-shellscript\n\n"
                                 "#!/bin/sh\n--b--\n"}});
  REQUIRE(text);
  const std::string boundary = text->substr(text->find("boundary=\"") + 10, 34);
  const std::string expected = "Content-Type: multipart/mixed; boundary=\"" + boundary +
                               "\"\n"
                               "MIME-Version: 1.0\n"
                               "\n"
                               "--" +
                               boundary +
                               "\n"
                               "Content-Type: text/x-shellscript; charset=\"utf-8\"\n"
                               "MIME-Version: 1.0\n"
                               "Content-Transfer-Encoding: base64\n"
                               "\n"
                               "IyEvYmluL3NoCmVjaG8gaGVsbG8K\n"
                               "\n"
                               "--" +
                               boundary +
                               "\n"
                               "Content-Type: multipart/mixed; boundary=\"b\"\n\n"
                               "--b\nContent-Type: text/x-shellscript\n\n"
                               "#!/bin/sh\n--b--\n"
                               "\n"
                               "--" +
                               boundary +
                               "\n"
                               "Content-Type: text/cloud-config; charset=\"utf-8\"\n"
                               "MIME-Version: 1.0\n"
                               "Content-Transfer-Encoding: base64\n"
                               "Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n"
                               "\n"
                               "I2Nsb3VkLWNvbmZpZwpydW5jbWQ6IFtbdHJ1ZV1dCg==\n"
                               "--" +
                               boundary + "--\n";
  CHECK(*text == expected);
  CHECK(*with_parts("#cloud-config\nruncmd: [[true]]\n",
                    {{"hello.sh", "#!/bin/sh\necho hello\n"}}) != *text);
}

TEST_CASE("the longer of two beginnings decides") {
  const auto text = with_parts("", {{"once", "#include-once\nhttp://example/a\n"}});
  REQUIRE(text);
  CHECK(text->find("Content-Type: text/x-include-once-url;") != std::string::npos);
}

TEST_CASE("every part that cloud-init would not know is told") {
  const auto refused = with_parts("", {{"a.yaml", "packages: [jq]\n"},
                                       {"b.bin", std::string("\x1f\x8b\x08", 3)},
                                       {"c.sh", "#!/bin/sh\n"},
                                       {"d.txt", ""}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::invalid);
  const std::string expected =
      "expected a first line that begins with #cloud-config-archive, #cloud-config, #cloud-boothook, #include-once, #include, #part-handler, ## template: jinja, #!, or a MIME message, found ";
  CHECK(refused.error().message ==
        "user-data: refused, 3 problems:\na.yaml:1: " + expected +
            "'packages: [jq]'\nb.bin: expected UTF-8 text without control characters\nd.txt:1: " +
            expected + "''");
}
