// What the agent does for the slots of a state disk, over whole converges.
#include "agent/slots.hpp"

#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

const std::string release_folder_of_image = "/opt/muster/releases/image-tower/2";

struct SlotsFixture : ReconcileFixture {
  SlotsFixture() {
    document.config.netboot = site.publish("image-tower", "2",
                                           {{"arguments", "panic=30\n"},
                                            {"initrd", "an initrd"},
                                            {"root.squashfs", "a root"},
                                            {"vmlinuz", "a kernel"}});
    document.config.kernel.arguments = {"hugepages=4"};
    start_by("image-tower/2");
    serve();
    order = sha256_digest(document.config.netboot->manifest_digest +
                          " hugepages=4 muster.image=image-tower/2");
  }
  void start_by(const std::string& image) {
    machine.files.put("/proc/cmdline", "hugepages=4 muster.image=" + image + "\n");
  }
  void show(const std::string& state, const std::string& a = " ", const std::string& b = " ") {
    machine.files.put(paths::slots, state + "a " + a + "\nb " + b + "\n");
  }
  // Units of slots that were started since the last call.
  std::vector<std::string> asked() {
    std::vector<std::string> found;
    for (const auto& call : machine.services.calls) {
      if (call.find("muster-slot@") != std::string::npos) found.push_back(call);
    }
    machine.services.calls.clear();
    return found;
  }
  std::vector<HealthProblem> unwell() { return site.reports.back().unwell; }
  std::string order;
};

using Units = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(SlotsFixture, "a machine without slots is asked for nothing") {
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(asked().empty());
}

TEST_CASE_FIXTURE(SlotsFixture,
                  "the image is written once the machine is Ready, for the next start") {
  show("started .\ngood .\nspare .\nonce .\nfailed .\n");
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(asked().empty());
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(asked() == Units{"start muster-slot@write.service"});
  const auto text = machine.files.read(paths::slot_order, 4096);
  REQUIRE(text);
  CHECK(*text == "image image-tower/2\nfolder " + release_folder_of_image + "\norder " + order +
                     "\narguments panic=30 hugepages=4 muster.image=image-tower/2\nkernel " +
                     sha256_digest("a kernel") + "\ninitrd " + sha256_digest("an initrd") +
                     "\nroot " + sha256_digest("a root") + "\n");
  CHECK_FALSE(machine.files.status(release_folder_of_image));
  // It waits for a start; it runs; it failed: in none of these is it written again.
  for (const char* state : {"started .\ngood .\nspare .\nonce a\nfailed .\n",
                            "started a\ngood a\nspare .\nonce .\nfailed .\n",
                            "started .\ngood .\nspare .\nonce .\nfailed a kernel\n"}) {
    show(state, order + " image-tower/2");
    static_cast<void>(converge());
    CHECK(asked().empty());
  }
  // The one before the good one is not what the next start takes.
  show("started b\ngood b\nspare a\nonce .\nfailed .\n", order + " image-tower/2",
       "x image-tower/3");
  static_cast<void>(converge());
  CHECK(asked() == Units{"start muster-slot@write.service"});
}

TEST_CASE_FIXTURE(SlotsFixture, "a slot is good once the document settled under it") {
  show("started b\ngood a\nspare .\nonce .\nfailed .\n", "x image-tower/1",
       order + " image-tower/2");
  machine.services.broken.insert("kubelet.service");
  static_cast<void>(converge());
  CHECK(asked().empty());
  machine.services.broken.clear();
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(asked() == Units{"start muster-slot@good.service"});
}

TEST_CASE_FIXTURE(SlotsFixture, "one that did not come up is told with the phase it ended in") {
  start_by("image-tower/1");
  show("started a\ngood a\nspare .\nonce .\nfailed b state-disk\n", "x image-tower/1",
       order + " image-tower/2");
  static_cast<void>(converge());
  static_cast<void>(converge());
  CHECK(asked().empty());
  REQUIRE(unwell().size() == 1);
  CHECK(unwell()[0].subject == "slot b");
  CHECK(
      unwell()[0].message ==
      "image-tower/2 did not come up: it ended in the phase state-disk, and the machine went back to what it ran before; publish another image, or order `/usr/lib/muster/slot b` there, which tries it once more");
}

TEST_CASE_FIXTURE(SlotsFixture, "what cannot be written is told, and the machine is as it was") {
  site.artifacts.erase(sha256_digest("a root"));
  show("started .\ngood .\nspare .\nonce .\nfailed .\n");
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(asked().empty());
  REQUIRE(unwell().size() == 1);
  CHECK(unwell()[0].subject == "slots");
}
