// What `muster explain enrolment` and `muster node list` say of who is not let in.
#include <doctest/doctest.h>

#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("why a machine was not let in, in lines that it cannot forge") {
  const OperatorApi api(
      {{"GET /v1/operator/enrolment/10.64.1.7",
        {200,
         R"({"name":"10.64.1.7","refusals":[{"code":"token_expired","count":3,"since":0,"last":0,)"
         R"("message":"join token 'ab': expired; make another","source":"10.64.1.7",)"
         R"("hostname":"x\u001b[2J\nrefused: by nobody","fingerprint":"sha256:ab","asked":"pool 'lab/ci'",)"
         R"("token":"ab","node":"","instance":"i-0123"},{"code":"awaits_backup","count":1,"since":0,"last":0,)"
         R"("message":"cluster 'lab': none yet"}],"waiting":[{"fingerprint":"sha256:cd",)"
         R"("source":"10.64.1.7","hostname":"","since":0}],"machines":[{"cluster":"lab","node":"ci-1",)"
         R"("state":"enrolled","address":"10.64.1.7","fingerprint":"sha256:ef","enrolledAt":0,)"
         R"("heldUp":["cluster 'lab': sealed\u001b[2J"]},{"cluster":"lab","node":"n2","state":"banned",)"
         R"("ban":{"reason":"sto\u001blen","by":"operator anna","since":60}}]})"}},
       {"GET /v1/operator/enrolment/nobody",
        {404, R"({"kind":"not_found","message":"'nobody': nothing is known"})"}}});
  const auto told = fake::muster({"--server", api.url(), "explain", "enrolment", "10.64.1.7"});
  CHECK(
      told.out ==
      "refused: token_expired, 3 times since , last \n"
      "  join token 'ab': expired; make another\n"
      "  from 10.64.1.7\n"
      "  calls itself x\\x1b[2J\\x0arefused: by nobody\n"
      "  key sha256:ab\n"
      "  asked for pool 'lab/ci'\n"
      "  by join token ab\n"
      "  as instance i-0123\n"
      "waits: awaits_backup, once since , last \n"
      "  cluster 'lab': none yet\n"
      "waits for an operator since \n"
      "  from 10.64.1.7\n"
      "  muster approve NAME --fingerprint sha256:cd\n"
      "lab/ci-1: enrolled\n"
      "  at 10.64.1.7\n"
      "  key sha256:ef\n"
      "  held up: cluster 'lab': sealed\\x1b[2J\n"
      "lab/n2: banned\n"
      "  banned: sto\\x1blen (since 1970-01-01 00:01:00 UTC, by operator anna); `muster unban n2 --cluster lab` lets it in again\n");
  const auto nobody = fake::muster({"--server", api.url(), "explain", "enrolment", "nobody"});
  CHECK(nobody.exit == 1);
  CHECK(nobody.err == "muster: 'nobody': nothing is known\n");
}

TEST_CASE("names that are banned, and no machine has, are below the list of nodes") {
  const OperatorApi api(
      {{"GET /v1/operator/nodes?limit=1000",
        {200,
         R"({"nodes":[],"next":"","banned":[{"cluster":"lab","node":"w-2","reason":"sto\u001blen","since":60},{"cluster":"lab","node":"w-3","reason":"","since":0}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "node", "list"});
  CHECK(
      ran.out.find(
          "lab/w-2: banned, and no machine has the name: sto\\x1blen; `muster unban w-2 --cluster lab` lets it in again\n"
          "lab/w-3: banned, and no machine has the name: no reason was given; `muster unban w-3 --cluster lab` lets it in again\n") !=
      std::string::npos);
}
