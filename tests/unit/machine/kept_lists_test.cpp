#include <doctest/doctest.h>

#include "fakes/example_document.hpp"
#include "machine/etcd.hpp"
#include "machine/kube_apiserver.hpp"
#include "machine/kube_controllers.hpp"

using namespace muster;

TEST_CASE("the inventory's lists add to what protects every cluster") {
  NodeDocument document = example_document(Role::master);
  auto& arguments = document.config.component_arguments;
  arguments["kube-apiserver"]["enable-admission-plugins"] = "AlwaysPullImages,PodNodeSelector";
  arguments["etcd"]["feature-gates"] = "StopGRPCServiceOnDefrag=true";
  arguments["kube-controller-manager"]["controllers"] = "*,bootstrapsigner";
  CHECK(kube_apiserver_arguments(document).value("enable-admission-plugins") ==
        "AlwaysPullImages,PodNodeSelector,NodeRestriction");
  CHECK(etcd_arguments(document).value("feature-gates") ==
        "StopGRPCServiceOnDefrag=true,InitialCorruptCheck=true");
  CHECK(
      kube_controller_manager_arguments(document).value("controllers") ==
      "*,bootstrapsigner,-certificatesigningrequest-approving-controller,-certificatesigningrequest-signing-controller");
  arguments["kube-apiserver"]["enable-admission-plugins"] = "";
  CHECK(kube_apiserver_arguments(document).value("enable-admission-plugins") == "NodeRestriction");
}
