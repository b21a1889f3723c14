#include "boot/ipxe_script.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

const std::string kernel = "sha256:" + std::string(64, 'a'),
                  initrd = "sha256:" + std::string(64, 'b');

NetbootOrder order() {
  return {"lab/n1",
          "image-tower 20261202.050000",
          "image-tower/20261202.050000",
          "image-tower/20261202.050000",
          kernel,
          initrd,
          {"console=ttyS0", "hugepages=4", "muster.image=image-tower/20261202.050000",
           "muster.source=http://10.77.0.1:8080"}};
}

BootQuery query() {
  BootQuery made;
  made.marks = {{"0c-c4-7a-80-09-1f", "0c-c4-7a-80-09-20"},
                "4c4c4544-0042-3510-8052-b4c04f4e3232",
                "VMware-56 4d",
                {}};
  return made;
}

std::string with(std::string text, const std::string& word, const std::string& value) {
  return text.replace(text.find(word), word.size(), value);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the first script sends every identifier, and its URL needs no address of the server") {
  const std::string script = chain_script();
  CHECK(script.starts_with("#!ipxe\n"));
  CHECK(has(
      script,
      "chain --replace ipxe?mac=${macs}&uuid=${uuid}&serial=${serial:uristring}&asset=${asset:uristring}&arch=${buildarch}&platform=${platform} ||\n"));
  CHECK(has(script, "isset ${net${nic}/mac} || goto ask\n"));
  CHECK_FALSE(has(script, "http:"));
}

TEST_CASE("the second script brings kernel, initrd and the machine's own, by their digests") {
  const auto script = boot_script(order(), query());
  REQUIRE(script);
  const std::string wanted = R"(#!ipxe
# muster: lab/n1
imgfree
echo muster: lab/n1 starts image-tower 20261202.050000
kernel --name kernel /v1/artifacts/sha256%3AKERNEL initrd=initrd initrd=machine.cpio BOOTIF=01-${netX/mac:hexhyp} console=ttyS0 hugepages=4 muster.image=image-tower/20261202.050000 muster.source=http://10.77.0.1:8080 || goto failed
initrd --name initrd /v1/artifacts/sha256%3AINITRD || goto failed
initrd --name machine.cpio boot/machine.cpio?mac=0c-c4-7a-80-09-1f,0c-c4-7a-80-09-20&uuid=4c4c4544-0042-3510-8052-b4c04f4e3232&serial=VMware-56%204d || goto failed
boot ||
:failed
echo muster: lab/n1 did not start (${errno}), asking again in 30 s
sleep 30
chain --replace boot.ipxe
)";
  CHECK(*script ==
        with(with(wanted, "KERNEL", std::string(64, 'a')), "INITRD", std::string(64, 'b')));
}

TEST_CASE("a command line that the kernel would cut is refused, with both lengths") {
  NetbootOrder long_one = order();
  // What comes first, with its blank, is 63.
  long_one.arguments = {std::string(1984, 'x')};
  CHECK(boot_script(long_one, query()));
  long_one.arguments = {std::string(1985, 'x')};
  const auto refused = boot_script(long_one, query());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "command_line_too_long");
  CHECK(
      refused.error().message ==
      "lab/n1: a kernel command line of 2048 bytes, expected at most 2047: shorten kernel.arguments, the image's kernelArguments or the list of mirrors");
}

TEST_CASE("what is told is shown as it is, whatever a machine calls itself") {
  const std::string script = waiting_script("serial ${net0/mac} || shell && 'x' \"y\"\n#!ipxe");
  CHECK(script ==
        "#!ipxe\n"
        "echo muster: serial  {net0/mac}    shell     x   y  #!ipxe\n"
        "echo muster: asking again in 30 s\n"
        "sleep 30\n"
        "chain --replace boot.ipxe\n");
}

TEST_CASE("a machine that is not to netboot goes on to its disk as its firmware understands it") {
  const std::string script = disk_script("not known");
  CHECK(script ==
        "#!ipxe\n"
        "echo muster: not known\n"
        "echo muster: starting from the disk in 5 s\n"
        "sleep 5\n"
        "iseq ${platform} pcbios || exit 1\n"
        "sanboot --no-describe --drive 0x80 ||\n"
        "echo muster: no disk starts this machine (not known), asking again in 30 s\n"
        "sleep 30\n"
        "chain --replace boot.ipxe\n");
}

TEST_CASE("a query has the marks of every NIC, and nothing that the chain does not send") {
  const auto query = parse_boot_query({{"mac", "0c-c4-7a-80-09-1f,,00:11:22:33:44:55,<b>"},
                                       {"uuid", "u"},
                                       {"serial", "s"},
                                       {"asset", ""},
                                       {"arch", "x86_64"},
                                       {"platform", "efi"}});
  REQUIRE(query);
  CHECK(query->marks.macs == std::vector<std::string>{"0c-c4-7a-80-09-1f", "00:11:22:33:44:55"});
  CHECK(query->marks.uuid == "u");
  CHECK(query->marks.serial == "s");
  CHECK(query->platform == "efi");
  const auto refused = parse_boot_query({{"host", "n1"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "expected mac, uuid, serial, asset, arch or platform, found 'host'");
}
