#include "agent/sources/user_data.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

using namespace muster;

namespace {

const std::string site_pin = "sha256:" + std::string(64, 'a');
const std::string json = R"({"sitePin":")" + site_pin + R"(","enrolServers":["https://a:1"]})";

std::string refusal(const std::string& text) {
  const auto layer = settings_in_user_data("U", text);
  return layer ? "taken" : layer.error().message;
}

}  // namespace

TEST_CASE("user-data is agent.json, or a cloud-config that writes it") {
  const std::string entry = "  - path: /etc/muster/agent.json\n    permissions: '0600'\n";
  for (const auto& text :
       {json, "\n " + json + "\n",
        "#cloud-config\nhostname: n1\nwrite_files:\n  - {path: /etc/motd, content: hi}\n" + entry +
            "    content: |\n      " + json + "\n",
        "#cloud-config\nwrite_files:\n" + entry + "    content: '" + json + "'\n",
        "#cloud-config\nwrite_files:\n" + entry +
            "    encoding: b64\n    content: " + base64_encode(json) + "\n",
        R"(#cloud-config
{"write_files":[{"path":"/etc/muster/agent.json","content":)" +
            std::string("\"{\\\"sitePin\\\":\\\"") + site_pin +
            R"(\",\"enrolServers\":[\"https://a:1\"]}"}]})"}) {
    CAPTURE(text);
    const auto layer = settings_in_user_data("U", text);
    REQUIRE_MESSAGE(layer, (layer ? "" : layer.error().message));
    CHECK(layer->site_pin == site_pin);
    CHECK(layer->enrol_servers == std::vector<std::string>{"https://a:1"});
  }
}

TEST_CASE("user-data of another kind is refused by its line, without its text") {
  CHECK(refusal("") == "U: expected the agent's settings, found no text");
  CHECK(refusal("\x1f\x8b\x08 s3cret") == "U: line 1: expected gzip, found it damaged or cut");
  CHECK(
      refusal("\xef\xbb\xbf#cloud-config\n") ==
      "U: line 1: expected JSON, '#cloud-config' or MIME, found a byte order mark, which cloud-init does not take either: save it without one");
  CHECK(refusal("#cloud-config\na: \xff\n") == "U: line 2: expected UTF-8 text, found byte 0xff");
  CHECK(refusal("#!/bin/sh\necho s3cret\n") ==
        "U: line 1: expected JSON, '#cloud-config' or MIME, found a script");
  CHECK(refusal("#include\nhttp://x\n") ==
        "U: line 1: expected JSON, '#cloud-config' or MIME, found a list of URLs ('#include')");
  CHECK(refusal("#cloud-boothook\n") ==
        "U: line 1: expected JSON, '#cloud-config' or MIME, found another '#cloud-' format");
  CHECK(refusal("eyJzaXRlUGluIjoi") ==
        "U: line 1: expected JSON, '#cloud-config' or MIME, found something else");
}

TEST_CASE("a cloud-config without the agent's settings is no empty one") {
  const std::string none =
      "U: expected /etc/muster/agent.json in 'write_files' of '#cloud-config', found none";
  CHECK(refusal("#cloud-config\n") == none);
  CHECK(refusal("#cloud-config\n- a\n") == none);
  CHECK(refusal("#cloud-config\nwrite_files: 7\n") == none);
  CHECK(refusal("#cloud-config\nwrite_files: [{path: /etc/motd}, 3, {path: [x]}]\n") == none);
}

TEST_CASE("partial and contradictory cloud-configs are refused by line") {
  const std::string head = "#cloud-config\nwrite_files:\n  - path: /etc/muster/agent.json\n";
  CHECK(refusal(head).starts_with("U: line 3: /etc/muster/agent.json: refused, 1 problem:\n/: "));
  CHECK(refusal(head + "    content: [a]\n") ==
        "U: line 3: /etc/muster/agent.json: expected 'content' as text");
  CHECK(refusal(head + "    encoding: gz+b64\n    content: aaaa\n") ==
        "U: line 3: /etc/muster/agent.json: expected gzip, found something else");
  CHECK(refusal(head + "    encoding: b64\n    content: 's3cretx'\n") ==
        "U: line 3: /etc/muster/agent.json: expected base64, found it cut");
  CHECK(refusal(head + "    content: [cut\n") ==
        "U: line 5: expected YAML: end of sequence flow not found");
  CHECK(
      refusal(head + "    content: |\n      {\"token\":\"s3cr\n") ==
      "U: line 3: /etc/muster/agent.json: refused, 1 problem:\n/: expected JSON, found parse error at line 2, column 0: syntax error while parsing value - invalid string: control character U+000A (LF) must be escaped to \\u000A or \\n (byte 15)");
}

TEST_CASE("a cloud-config of many levels or aliases ends quickly") {
  CHECK(refusal("#cloud-config\na: " + std::string(60000, '[')).rfind("U: line 2: expected", 0) ==
        0);
  std::string bomb = "#cloud-config\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    bomb +=
        fmt::format("a{0}: &a{0} [*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1}]\n", i, i - 1);
  }
  CHECK(refusal(bomb).rfind("U: expected /etc/muster/agent.json", 0) == 0);
}

namespace {

std::string mime(const std::string& parts) {
  return "Content-Type: multipart/mixed;\n boundary=\"==x==\"\nMIME-Version: 1.0\n\n" + parts +
         "--==x==--\n";
}
std::string part(const std::string& text, const std::string& encoding = "7bit") {
  return "--==x==\nContent-Type: text/cloud-config; charset=\"us-ascii\"\nMIME-Version: 1.0\n"
         "Content-Transfer-Encoding: " +
         encoding + "\n\n" + text + "\n";
}

}  // namespace

TEST_CASE("the agent's part is found among a user's own") {
  const std::string own = part("#!/bin/sh\necho {\n");
  const std::string other = part("#cloud-config\nwrite_files: [{path: /etc/motd, content: hi}]\n");
  const std::string ours =
      "#cloud-config\nwrite_files:\n  - path: /etc/muster/agent.json\n    content: '" + json +
      "'\n";
  for (const auto& text : {mime(part(ours)), mime(own + other + part(ours)),
                           mime(part(base64_encode(ours), "base64") + own)}) {
    const auto layer = settings_in_user_data("U", text);
    REQUIRE_MESSAGE(layer, (layer ? "" : layer.error().message));
    CHECK(layer->site_pin == site_pin);
  }
  CHECK(refusal(mime(own + other)) ==
        "U: expected /etc/muster/agent.json in 'write_files' of '#cloud-config', found none");
  CHECK(refusal(mime(part(ours) + part(ours))) == "taken");
  CHECK(refusal(mime(part("#cloud-config\na: [\n") + part(ours))) == "taken");
  CHECK(refusal(mime(part(ours) + other)) ==
        "U: expected /etc/muster/agent.json in 'write_files' of '#cloud-config', found none");
  CHECK(refusal(mime(own + part("#cloud-config\na: [\n"))).rfind("U: part of line 13: line ", 0) ==
        0);
  CHECK(
      refusal(mime(part("#cloud-config\n# gr\xc3\xbcn\n"))) ==
      "U: part of line 5: line 2: expected ASCII, or the part in base64: cloud-init passes over it as it is (Content-Transfer-Encoding: base64)");
}

TEST_CASE("MIME that is cut or foreign is refused by line") {
  const std::string whole = mime(part("#cloud-config\n"));
  CHECK(refusal(whole.substr(0, whole.size() - 5)) ==
        "U: line 12: expected MIME's closing delimiter, found the end: the text is cut");
  CHECK(refusal("MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nhello\n") ==
        "U: line 1: expected 'Content-Type: multipart/mixed' with a boundary");
  CHECK(
      refusal("Content-Type: text/plain\n\nhello\n") ==
      "U: line 1: expected JSON, '#cloud-config' or MIME, found MIME without the header 'MIME-Version: 1.0', by which cloud-init knows it");
}
