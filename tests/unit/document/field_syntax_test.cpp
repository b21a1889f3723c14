#include "document/field_syntax.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("names") {
  CHECK(is_dns_label("m1"));
  CHECK(is_dns_name("m1.rack-3.example"));
  for (const char* text : {"", "-a", "a-", "A", "a_b", "a..b", ".a", "a.", "a b"}) {
    CAPTURE(text);
    CHECK_FALSE(is_dns_name(text));
  }
  CHECK_FALSE(is_dns_label(std::string(64, 'a')));
  CHECK_FALSE(is_dns_label("a.b"));
  CHECK(is_label_key("topology.kubernetes.io/zone"));
  CHECK_FALSE(is_label_key("a/b/c"));
  CHECK(is_label_value(""));
  CHECK_FALSE(is_label_value("-x"));
  CHECK(is_user_name("etcd"));
  CHECK_FALSE(is_user_name("0"));
  CHECK_FALSE(is_user_name("root:root"));
}

TEST_CASE("addresses") {
  CHECK(is_ipv4("10.0.0.1"));
  for (const char* text :
       {"", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1 ", "::1", "1.2.3.4/8"}) {
    CAPTURE(text);
    CHECK_FALSE(is_ipv4(text));
  }
  CHECK_FALSE(is_ipv4(std::string("10.0.0.1\0x", 10)));
  CHECK(is_ip("::1"));
  CHECK(is_mac("52:54:00:aa:bb:cc"));
  CHECK_FALSE(is_mac("52:54:00:AA:bb:cc"));
}

TEST_CASE("paths, modes, versions and URLs") {
  CHECK(is_absolute_path("/etc/motd"));
  for (const char* text : {"", "/", "etc", "/etc/", "/etc//a", "/etc/../a", "/./a", "/a\nb"}) {
    CAPTURE(text);
    CHECK_FALSE(is_absolute_path(text));
  }
  CHECK(is_relative_path("bin/etcd"));
  CHECK_FALSE(is_relative_path("/bin"));
  CHECK(is_mode("0640"));
  for (const char* text : {"640", "4755", "0689", "00640"}) CHECK_FALSE(is_mode(text));
  CHECK(is_version("1.36.3-rc.1+deb12~1"));
  CHECK_FALSE(is_version(".."));
  CHECK(is_http_url("https://mirror.example/x"));
  for (const char* text : {"ftp://x", "https://", "https:///x", "http://a b", "http://a\"b"}) {
    CAPTURE(text);
    CHECK_FALSE(is_http_url(text));
  }
}
