// What machines are told on the boot listener, with every room behind it and no socket before it.
#include <sstream>

#include "http/handlers.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

struct Told {
  int status = 0;
  std::string body, kind, content_type;
  std::map<std::string, std::string> headers;
};

struct Asked {
  std::string method = "GET", target;
  std::string source = "10.77.0.21";
  std::map<std::string, std::string> headers;
};

Told ask(House& house, const Asked& asked) {
  const auto question = asked.target.find('?');
  RequestHead head;
  head.method = asked.method;
  head.path = asked.target.substr(0, question);
  Request request;
  request.peer.listener = ListenerKind::boot;
  request.peer.address = asked.source;
  request.headers = asked.headers;
  request.method = head.method;
  request.path = head.path;
  if (question != std::string::npos) {
    request.query = parse_query(asked.target.substr(question + 1)).value();
  }
  auto admission = house.router.admit(head, request.peer, "r1");
  CHECK_FALSE(admission.blocking);
  request.route = admission.route;
  request.parameters = admission.parameters;
  const Response response = admission.refusal ? *admission.refusal : house.router.answer(request);
  Told told{response.status, response.body, "", response.content_type, {}};
  for (const auto& [name, value] : response.headers) told.headers[name] = value;
  if (told.status >= 400) told.kind = nlohmann::json::parse(told.body).at("kind");
  return told;
}

Told get(House& house, const std::string& target, const std::string& source = "10.77.0.21") {
  return ask(house, {"GET", target, source, {}});
}

Told put_token(House& house, const std::string& lifetime) {
  return ask(house, {"PUT",
                     "/latest/api/token",
                     "10.77.0.21",
                     {{"x-aws-ec2-metadata-token-ttl-seconds", lifetime}}});
}

Told get_with(House& house, const std::string& token, const std::string& source = "10.77.0.21") {
  return ask(
      house,
      {"GET", "/latest/meta-data/local-hostname", source, {{"x-aws-ec2-metadata-token", token}}});
}

void publish(House& house) {
  house.apply(sample::small_inventory(", match: {mac: [\"0c:c4:7a:80:09:1f\"], serial: S1}"));
}

}  // namespace

TEST_CASE("a seed comes by address, by a mark in the path, or by query") {
  House house;
  publish(house);
  const std::string seed = get(house, "/nocloud/meta-data").body;
  CHECK(seed == "instance-id: \"i-5f6646f11014bfc7d\"\nlocal-hostname: \"n1\"\n");
  for (const char* target :
       {"/nocloud/mac/0C-C4-7A-80-09-1F/meta-data", "/nocloud/serial/S1/meta-data",
        "/nocloud?serial=S1&f=meta-data", "/nocloud?mac=0c:c4:7a:80:09:1f&serial=S1&f=meta-data"}) {
    CHECK_MESSAGE(get(house, target, "192.168.9.9").body == seed, target);
  }
  CHECK(get(house, "/nocloud/meta-data", "10.77.0.11").body.ends_with("\"m1\"\n"));
  const auto user_data = get(house, "/nocloud/user-data");
  CHECK(user_data.content_type == "text/plain; charset=utf-8");
  CHECK(user_data.body.find(house.site.keys.site()) != std::string::npos);
  CHECK(user_data.body.find("https://10.77.0.1:8443") != std::string::npos);
  CHECK(user_data.body.find("token") == std::string::npos);
  for (const char* target : {"/nocloud/vendor-data", "/nocloud/network-config"}) {
    CHECK(get(house, target).status == 200);
    CHECK(get(house, target).body == "");
  }
}

TEST_CASE("who is not in the inventory is told nothing") {
  House house;
  publish(house);
  for (const char* target : {"/nocloud/meta-data", "/nocloud?f=meta-data", "/latest/meta-data/",
                             "/", "/ec2/serial/S2/latest/", "/nocloud/uuid/4c4c/user-data"}) {
    const auto told = get(house, target, "10.77.0.99");
    CHECK_MESSAGE(told.status == 404, target);
    CHECK_MESSAGE(told.kind == "machine_unknown", target);
  }
  const auto told = get(house, "/nocloud/meta-data", "10.77.0.99");
  CHECK(
      nlohmann::json::parse(told.body).at("message") ==
      "address 10.77.0.99: no machine of the inventory; add the node and run `muster apply`, or name its hardware (mac, uuid, serial)");
  CHECK(get(house, "/nocloud/colour/red/meta-data").kind == "mark_unknown");
  CHECK(get(house, "/nocloud?colour=red&f=meta-data").kind == "mark_unknown");
}

TEST_CASE("paths that are nobody's are no questions about a machine") {
  House house;
  publish(house);
  for (const char* target : {"/v1/enrol", "/boot.cfg", "/latests/", "/nocloud/passwd",
                             "/latest/meta-data/iam/", "/latest/../nocloud/meta-data"}) {
    CHECK_MESSAGE(get(house, target).status == 404, target);
    CHECK_MESSAGE(get(house, target).kind == "not_found", target);
  }
  CHECK(ask(house, {"POST", "/v1/enrol", "10.77.0.21", {}}).status == 404);
  const auto refused =
      ask(house, {"DELETE", "/v1/artifacts/sha256:" + std::string(64, '0'), "10.77.0.21", {}});
  CHECK(refused.status == 405);
  CHECK(refused.headers.at("Allow") == "GET, HEAD");
}

TEST_CASE("the tree is at the root and below a mark, with a slash too many too") {
  House house;
  publish(house);
  const std::string path = "/2009-04-04/meta-data/instance-id";
  for (const std::string base : {"", "/", "/ec2/serial/S1", "/ec2/mac/0c:c4:7a:80:09:1f/"}) {
    CHECK_MESSAGE(get(house, base + path).body == "i-5f6646f11014bfc7d", base);
  }
  CHECK(get(house, "/").body.ends_with("latest/"));
  CHECK(get(house, "/ec2/serial/S1/").body.ends_with("latest/"));
  CHECK(get(house, "/latest/meta-data/network/interfaces/macs/0c%3Ac4:7a:80:09:1f/mac").body ==
        "0c:c4:7a:80:09:1f");
}

TEST_CASE("a token's lifetime is 1 to 21600 seconds and is echoed") {
  House house;
  publish(house);
  for (const char* lifetime : {"1", "21600"}) {
    const auto told = put_token(house, lifetime);
    CHECK(told.status == 200);
    CHECK(told.headers.at("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == lifetime);
    const auto read = get_with(house, told.body);
    CHECK(read.body == "n1");
    CHECK(read.headers.at("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == lifetime);
  }
  for (const char* lifetime : {"0", "21601", "", "soon"}) {
    CHECK(put_token(house, lifetime).status == 400);
  }
  CHECK(ask(house, {"PUT",
                    "/ec2/serial/S1/latest/api/token",
                    "10.77.0.11",
                    {{"x-aws-ec2-metadata-token-ttl-seconds", "60"}}})
            .status == 200);
}

TEST_CASE("a token is refused to strangers, through proxies, and from elsewhere") {
  House house;
  publish(house);
  const Asked stranger{
      "PUT", "/latest/api/token", "10.77.0.99", {{"x-aws-ec2-metadata-token-ttl-seconds", "60"}}};
  CHECK(ask(house, stranger).kind == "machine_unknown");
  CHECK(ask(house, {"PUT", "/latest/api/token", "10.77.0.99", {}}).status == 400);
  Asked forwarded = stranger;
  forwarded.source = "10.77.0.21";
  forwarded.headers["x-forwarded-for"] = "10.77.0.21";
  CHECK(ask(house, forwarded).status == 403);
  CHECK(ask(house, forwarded).kind == "forwarded");
  const std::string token = put_token(house, "60").body;
  const auto elsewhere = get_with(house, token, "10.77.0.11");
  CHECK(elsewhere.status == 401);
  CHECK(elsewhere.kind == "metadata_token_invalid");
  CHECK(get_with(house, "not-a-token").status == 401);
  CHECK(get_with(house, token).status == 200);
}

TEST_CASE("a site may require tokens") {
  House house;
  publish(house);
  const MetadataTokens required(TokenPolicy::required);
  const Rooms rooms{
      house.rooms,       house.artifacts,         required, house.rooms.boot, house.metrics,
      house.rooms.tasks, house.rooms.audit_folder};
  Request request;
  request.parameters["path"] = "latest/meta-data/local-hostname";
  request.peer.address = "10.77.0.21";
  const auto refused = handlers::get_ec2_metadata(rooms, {}, request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::unauthenticated);
  CHECK(
      refused.error().message ==
      "header X-aws-ec2-metadata-token: expected a token, found none; get one by PUT /latest/api/token");
  request.headers["x-aws-ec2-metadata-token"] =
      required.issue("10.77.0.21", std::chrono::seconds(5));
  CHECK(handlers::get_ec2_metadata(rooms, {}, request)->body == "n1");
}

TEST_CASE("what was published is told at once") {
  House house;
  publish(house);
  CHECK(get(house, "/nocloud/meta-data", "10.77.0.22").status == 404);
  house.apply(sample::small_inventory() + sample::node("n2", "node", 22));
  CHECK(get(house, "/nocloud/meta-data", "10.77.0.22").status == 200);
  house.apply(sample::cluster() + sample::node("m1", "master", 11), true);
  CHECK(get(house, "/nocloud/meta-data", "10.77.0.22").kind == "machine_unknown");
}

TEST_CASE("a slash too many may stand anywhere, and HEAD is taken where GET is") {
  House house;
  publish(house);
  const std::string seed = get(house, "/nocloud/meta-data").body;
  for (const char* target :
       {"//nocloud//meta-data", "/nocloud///meta-data", "//nocloud/serial//S1//meta-data",
        "//nocloud?f=meta-data", "/nocloud//serial/S1/meta-data"}) {
    CHECK_MESSAGE(get(house, target).body == seed, target);
  }
  for (const char* target :
       {"/latest//meta-data///local-hostname", "/ec2//serial/S1//latest/meta-data//local-hostname"})
    CHECK_MESSAGE(get(house, target).body == "n1", target);
  for (const char* target : {"/nocloud/meta-data", "/nocloud/serial/S1/user-data", "/boot.ipxe",
                             "/latest/meta-data/", "/ec2/serial/S1/latest/", "/healthz"}) {
    const auto told = ask(house, {"HEAD", target, "10.77.0.21", {}});
    CHECK_MESSAGE(told.status == 200, target);
  }
  CHECK(ask(house, {"HEAD", "/nocloud/serial/S2/user-data", "10.77.0.21", {}}).status == 404);
  const auto refused = ask(house, {"HEAD", "/latest/api/token", "10.77.0.21", {}});
  CHECK(refused.status == 405);
  CHECK(refused.headers.at("Allow") == "PUT");
  for (const char* target : {"/latest/api/token", "/ec2/serial/S1/latest/api/token"})
    CHECK_MESSAGE(get(house, target).status == 405, target);
}

TEST_CASE("a serial number is found as it is written, with all that a path gives a meaning") {
  House house;
  house.apply(sample::small_inventory(", match: {serial: \"VMware-56 4d/7+%\"}"));
  const std::string seed = get(house, "/nocloud/meta-data").body;
  for (const char* target : {"/nocloud/serial/VMware-56%204d%2F7%2B%25/meta-data",
                             "/nocloud/serial/VMware-56%204d/7+%/meta-data",
                             "/nocloud?serial=VMware-56%204d%2f7%2B%25&f=meta-data",
                             "/nocloud?serial=VMware-56+4d/7%2B%25&f=meta-data"}) {
    CHECK_MESSAGE(get(house, target, "192.168.9.9").body == seed, target);
  }
  CHECK(get(house, "/ec2/serial/VMware-56%204d%2F7+%25/latest/meta-data/local-hostname").body ==
        "n1");
  CHECK(get(house, "/nocloud/serial/VMware-56%25204d%2F7+%25/meta-data").kind == "machine_unknown");
}

TEST_CASE("a plus in a query that nobody encoded is a plus where no blank is known") {
  House house;
  house.apply(sample::small_inventory(", match: {serial: \"A+1+B\"}"));
  CHECK(get(house, "/nocloud?serial=A+1+B&f=meta-data", "192.168.9.9").status == 200);
  CHECK(get(house, "/nocloud?serial=A%2B1%2BB&f=meta-data", "192.168.9.9").status == 200);
  CHECK(get(house, "/nocloud/serial/A+1+B/meta-data", "192.168.9.9").status == 200);
  CHECK(get(house, "/nocloud/serial/A%201%20B/meta-data", "192.168.9.9").status == 404);
}

TEST_CASE("a mark that its client left unexpanded is answered by how that is cured") {
  House house;
  publish(house);
  const auto message = [&](const std::string& target) {
    const auto told = get(house, target);
    CHECK_MESSAGE(told.status == 400, target);
    CHECK_MESSAGE(told.kind == "mark_unexpanded", target);
    return nlohmann::json::parse(told.body).at("message").get<std::string>();
  };
  CHECK(
      message("/nocloud/uuid/__dmi.system-uuid__/meta-data") ==
      "uuid: expected what the machine's hardware says, found '__dmi.system-uuid__', which its client did not fill in: cloud-init does so from 23.1 on, in `seedfrom` alone; write the uuid itself into the URL, or leave it out: the machine is then found by its address");
  CHECK(
      message("/ec2/serial/$%7Bserial%7D/latest/") ==
      "serial: expected what the machine's hardware says, found '${serial}', which its client did not fill in: iPXE does so in its scripts alone; write the serial itself into the URL, or leave it out: the machine is then found by its address");
  for (const char* target :
       {"/nocloud/serial/__dmi.system-serial-number__/user-data",
        "/nocloud?mac=__net.mac__&f=meta-data", "/nocloud?serial=S1&uuid=__dmi.system-uuid__&f=",
        "/nocloud/mac/${net0/mac}/meta-data", "/nocloud?uuid=${uuid}&f=meta-data"}) {
    CHECK(message(target).find("did not fill in") != std::string::npos);
  }
  const auto notes = house.refusals.find("10.77.0.21");
  REQUIRE_FALSE(notes.empty());
  CHECK(notes.front().code == "mark_unexpanded");
}

TEST_CASE("what vendors leave in every board's firmware names nobody, and the answer says so") {
  House house;
  publish(house);
  for (const char* filler : {"To%20Be%20Filled%20By%20O.E.M.",
                             "Default%20string",
                             "System%20Serial%20Number",
                             "0123456789",
                             "Not%20Specified",
                             "None",
                             "00000000",
                             "XXXXXXX",
                             "%20%20",
                             "..........",
                             "SerialNumber",
                             "System-Serial-Number",
                             "Chassis%20Serial",
                             "123456",
                             "123456789012",
                             "INVALID",
                             "Empty",
                             "<empty>",
                             "Unspecified",
                             "TBD",
                             "0",
                             "9876543210",
                             "Type2%20-%20Board%20Serial%20Number"}) {
    const auto told = get(house, "/nocloud/serial/" + std::string(filler) + "/meta-data");
    CHECK_MESSAGE(told.status == 404, filler);
    CHECK_MESSAGE(told.kind == "mark_filler", filler);
  }
  for (const char* filler :
       {"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009", "03020100-0504-0706-0809-0A0B0C0D0E0F",
        "00010203-0405-0607-0809-0a0b0c0d0e0f", "12345678-1234-5678-90AB-CDDEEFAABBCC",
        "4c4c4544-0000-2010-8020-80c04f202020"}) {
    CHECK_MESSAGE(
        get(house, "/nocloud?f=meta-data&uuid=" + std::string(filler)).kind == "mark_filler",
        filler);
  }
  const auto told = get(house, "/nocloud/serial/Default%20string/meta-data");
  CHECK(
      nlohmann::json::parse(told.body).at("message") ==
      "serial: 'Default string' is a vendor's placeholder, which many machines have: nobody is found by it; name another mark (mac, uuid, serial), or none: the machine is then found by its address");
  // Beside a mark that is one it says nothing.
  CHECK(get(house, "/nocloud?serial=S1&uuid=00000000-0000-0000-0000-000000000000&f=meta-data")
            .status == 200);
}
