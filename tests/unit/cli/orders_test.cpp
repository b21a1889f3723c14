// What operators ordered, as status and node show tell it, and how it is taken back.
#include <doctest/doctest.h>

#include <fstream>

#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("status names who is banned and why, and what is ordered, with the way back") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200, R"({"clusters":[{"cluster":"lab","bans":[{"node":"n3","reason":"sto\u001blen"},)"
              R"({"node":"n4","reason":""}],"replacements":[{"node":"m2","orderedAt":0}],)"
              R"("converges":[{"node":"n1","orderedAt":0}],)"
              R"("drains":[{"node":"n2","phase":"draining"}]}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  CHECK(
      ran.out.find(
          "lab: banned: n3 (sto\\x1blen), n4 (no reason was given); muster unban NAME lets it in again\n"
          "lab: replacement ordered, waits for another key: m2 since ; muster node replace NAME --cancel takes it back\n"
          "lab: converge ordered, waits for its next report: n1 since ; muster node converge NAME --cancel takes it back\n"
          "lab: drain ordered: n2 (draining); muster node undrain NAME takes it back\n") !=
      std::string::npos);
}

TEST_CASE("status says aloud which image does not come up, and who is to be made anew") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200,
         R"({"clusters":[{"cluster":"lab","failedStarts":[{"node":"n3","reason":"image\u001b"}],)"
         R"("reprovisions":[{"node":"n4","orderedAt":0}]}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  CAPTURE(ran.out);
  CHECK(
      ran.out.find(
          "lab: reprovisioning ordered, waits for its next start: n4 since ; muster node reprovision NAME --cancel takes it back\n") !=
      std::string::npos);
  CHECK(ran.out.find("lab: ALARM: n3: image\\x1b; muster node reprovision n3 tries it again\n") !=
        std::string::npos);
}

TEST_CASE("reprovisioning is ordered once, and taken back") {
  const std::string order = "POST /v1/operator/nodes/lab/n3/reprovision";
  const OperatorApi api(std::map<std::string, OperatorApi::Answer>{{order, {}}});
  auto ran = fake::muster({"--server", api.url(), "node", "reprovision", "n3", "--cluster", "lab"});
  CHECK(
      ran.out ==
      "lab/n3: its next start is by the image that its document names, and makes it anew if it has no state disk; restart it\n");
  CHECK(api.asked().back() == order + " {}");
  ran = fake::muster(
      {"--server", api.url(), "node", "reprovision", "n3", "--cluster", "lab", "--cancel"});
  CHECK(ran.out == "lab/n3: taken back: its next start is as any other\n");
  CHECK(api.asked().back() == order + R"( {"cancel":true})");
}

TEST_CASE("how a machine starts by the network is in node show") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes/lab/n3",
        {200, R"({"cluster":"lab","node":"n3","start":{"state":"provisioning","alarm":"it fails",)"
              R"("script":null,"handedOut":{"image":"image-tower/2","source":"10.77.0.99",)"
              R"("archiveAt":0,"starts":2,"failure":"no chunk 3"},)"
              R"("running":{"image":"image-tower/1","heardAt":0},)"
              R"("reprovision":{"orderedAt":0,"by":"operator anna"}}})"}}});
  CHECK(fake::muster({"--server", api.url(), "node", "show", "n3", "--cluster", "lab"}).out ==
        "node         lab/n3\n"
        "reprovision  ordered at  by operator anna, waits for its next start\n"
        "to take back muster node reprovision n3 --cluster lab --cancel\n"
        "boot state   provisioning\n"
        "handed out   image-tower/2 at , to 10.77.0.99; not Ready since: 2 start(s)\n"
        "its initrd   no chunk 3\n"
        "came up by   image-tower/1, first heard of at \n"
        "ALARM        it fails\n");
}

TEST_CASE("a ban says why") {
  const std::string order = "POST /v1/operator/nodes/lab/n3/ban ";
  const std::map<std::string, OperatorApi::Answer> answers{
      {order + R"({"reason":"stolen"})", OperatorApi::Answer{}}};
  const OperatorApi api(answers);
  static_cast<void>(
      fake::muster({"--server", api.url(), "ban", "n3", "--cluster", "lab", "--reason", "stolen"}));
  CHECK(api.asked() == std::vector<std::string>{order + R"({"reason":"stolen"})"});
}

TEST_CASE("orders to several machines are one document of JSON") {
  const std::string order = "POST /v1/operator/nodes/lab/";
  const OperatorApi api(
      {{order + "m1/converge", {200, R"({"cluster":"lab","node":"m1","waitsFor":""})"}},
       {order + "m2/converge",
        {200, R"({"cluster":"lab","node":"m2","waitsFor":"m1 has the turn"})"}}});
  auto ran = fake::muster(
      {"--server", api.url(), "node", "converge", "m1", "m2", "--cluster", "lab", "-o", "json"});
  CHECK(ran.exit == 0);
  CHECK(nlohmann::json::parse(ran.out)["nodes"].size() == 2);
  // What was ordered of one stands, whatever becomes of the next.
  ran = fake::muster(
      {"--server", api.url(), "node", "converge", "m9", "m2", "--cluster", "lab", "-o", "json"});
  CHECK(ran.exit == 1);
  CHECK(nlohmann::json::parse(ran.out)["nodes"][0]["node"] == "m2");
}

TEST_CASE("what is ordered of a machine is in node show, with the way back") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes/lab/m2",
        {200,
         R"({"cluster":"lab","node":"m2","state":"enrolled","replace":{"orderedAt":0,"key":""},)"
         R"("converge":{"orderedAt":0},"turn":{"state":"waits","since":0,"by":"operator anna",)"
         R"("message":"m1 has the turn"},"drain":{"phase":"draining","remove":true,"by":"operator )"
         R"(anna","message":"pod ci/web: its budget","orderedAt":0,"until":0}})"}}});
  CHECK(
      fake::muster({"--server", api.url(), "node", "show", "m2", "--cluster", "lab"}).out ==
      "node         lab/m2\n"
      "state        enrolled\n"
      "replace      replacement ordered at , waits for another key\n"
      "to take back muster node replace m2 --cluster lab --cancel\n"
      "converge     ordered at , waits for its next report\n"
      "to take back muster node converge m2 --cluster lab --cancel\n"
      "turn         waits since , ordered by operator anna: m1 has the turn\n"
      "to take back muster node converge m2 --cluster lab --cancel\n"
      "drain        draining, then removed, ordered at  by operator anna, until : pod ci/web: its budget\n"
      "to take back muster node undrain m2 --cluster lab\n");
}

TEST_CASE("status tells what holds up the masters' turns, and who waits for a restart") {
  const OperatorApi api(
      {{"GET /v1/operator/status",
        {200,
         R"({"clusters":[{"cluster":"lab","pendingChanges":2,"turns":{"m1":{"state":"holds","since":0,)"
         R"("heldUp":"failed"},"m2":{"state":"waits"}}},{"cluster":"two","turns":{"m1":)"
         R"({"state":"holds","since":0,"heldUp":""},"m2":{"state":"waits"},"m3":{"state":"waits"}}}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "status"});
  for (
      const char* line :
      {"lab: m1 has the turn since , and holds the others up: failed; m2 waits for its turn (muster node show tells what for, muster node converge NAME --cancel ends it)\n",
       "lab: 2 machine(s) wait for a restart or a reboot (muster node list, PENDING); muster node converge NAME does it now, but for what says \"at its next boot\"\n",
       "two: m1 has the turn since ; m2, m3 wait for their turns (muster node show"}) {
    CAPTURE(ran.out);
    CHECK(ran.out.find(line) != std::string::npos);
  }
}

TEST_CASE(
    "nothing is made whose user-data could not be kept, and places that nobody has are told of") {
  const std::string scale = "POST /v1/operator/clusters/ci/scale";
  const std::string answer =
      R"({"name":"ci","expiresAt":0,"removing":[],"userData":[],"untaken":3})";
  const OperatorApi api({{scale, {200, answer}}});
  const std::string file = api.folder() + "/file";
  std::ofstream(file) << "x";
  auto ran = fake::muster(
      {"--server", api.url(), "cluster", "scale", "ci", "--nodes", "5", "--user-data-dir", file});
  CHECK(ran.exit != 0);
  CHECK(ran.err.find("--user-data-dir: expected a folder that can be written to, found '" + file +
                     "'") != std::string::npos);
  CHECK(api.asked().empty());
  ran = fake::muster({"--server", api.url(), "cluster", "scale", "ci", "--nodes", "5"});
  CHECK(
      ran.out.find(
          "3 places are not taken yet; where what their machines are started with is lost: muster cluster scale ci --nodes 5 --again --user-data-dir DIR\n") !=
      std::string::npos);
}

TEST_CASE("where user-data cannot be kept, the order holds, and how it is made anew is said") {
  const OperatorApi api(
      {{"POST /v1/operator/clusters/ci/scale",
        {200,
         R"({"name":"ci","expiresAt":0,"removing":[],"untaken":1,"userData":[{"name":"ci-nodes.yaml","pool":"w","machines":1,"text":"#cloud-config\n"}]})"}}});
  const std::string there = api.folder() + "/ci-nodes.yaml";
  std::ofstream(there) << "x";
  const auto ran = fake::muster({"--server", api.url(), "cluster", "scale", "ci", "--nodes", "3",
                                 "--user-data-dir", api.folder()});
  CHECK(ran.exit == 5);
  CHECK(
      ran.err ==
      "muster: creating '" + there +
          "': File exists; the order holds all the same: muster cluster scale ci --nodes 3 --again --user-data-dir DIR makes what its machines are started with anew\n");
}

TEST_CASE("a disk is wiped by its serial number alone") {
  const OperatorApi api({});
  const auto ran =
      fake::muster({"--server", api.url(), "node", "wipe-disk", "n3", "--cluster", "lab"});
  CHECK(ran.exit == 2);
  CHECK(
      ran.err ==
      "muster: node wipe-disk: expected --serial, or --cancel, found neither; `muster node show` and the machine's console tell the serial number\n");
  CHECK(api.asked().empty());
}

TEST_CASE("an order that the server holds to and could not publish says so, and exits 6") {
  const OperatorApi api(
      {{"POST /v1/operator/nodes/lab/n1/ban",
        {200,
         R"({"unpublished":{"kind":"quarantined","message":"lab/n1: held, and\u001b waits"}})"}}});
  const auto ran =
      fake::muster({"--server", api.url(), "ban", "n1", "--cluster", "lab", "--reason", "stolen"});
  CHECK(ran.exit == 6);
  CHECK(ran.out == "lab/n1: banned\n");
  CHECK(ran.err == "muster: lab/n1: held, and\\x1b waits\n");
}

TEST_CASE("a wipe of a machine's disk is ordered, taken back, and told") {
  const std::string order = "POST /v1/operator/nodes/lab/n3/wipe-disk";
  const auto shown = [](const std::string& handed) {
    return R"({"cluster":"lab","node":"n3","start":{"state":"running","handedOut":{"image":"image-tower/2",)"
           R"("source":"10.77.0.99","archiveAt":0,"starts":0},"diskWipe":{"serial":"S\u001b","orderedAt":1,)"
           R"("by":"operator anna","to":"10.77.0.99","doneAt":0,"handedOutAt":)" +
           handed + "}}}";
  };
  const OperatorApi api({{order, {}}, {"GET /v1/operator/nodes/lab/n3", {200, shown("0")}}});
  auto ran = fake::muster(
      {"--server", api.url(), "node", "wipe-disk", "n3", "--cluster", "lab", "--serial", "S 1"});
  CHECK(ran.out == "lab/n3: its next start wipes the disk S 1; restart it\n");
  CHECK(api.asked().back() == order + R"( {"serial":"S 1"})");
  ran = fake::muster(
      {"--server", api.url(), "node", "wipe-disk", "n3", "--cluster", "lab", "--cancel"});
  CHECK(ran.out == "lab/n3: taken back: its next start wipes nothing\n");
  ran = fake::muster({"--server", api.url(), "node", "show", "n3", "--cluster", "lab"});
  CHECK(ran.out.find("disk wipe    of serial S\\x1b, ordered at ") != std::string::npos);
  CHECK(ran.out.find("muster node wipe-disk n3 --cluster lab --cancel\n") != std::string::npos);
  const OperatorApi done({{"GET /v1/operator/nodes/lab/n3", {200, shown("2")}}});
  ran = fake::muster({"--server", done.url(), "node", "show", "n3", "--cluster", "lab"});
  CAPTURE(ran.out);
  CHECK(ran.out.find("to 10.77.0.99; the machine has not said that it was done\n") !=
        std::string::npos);
}
