// muster-agent: wiring only.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <type_traits>

#include "agent/daemon.hpp"
#include "agent/effects/hosts_file.hpp"
#include "agent/goodbye.hpp"
#include "agent/host/interfaces.hpp"
#include "agent/host/notify.hpp"
#include "agent/host/observe.hpp"
#include "agent/host/real_host.hpp"
#include "agent/monitor/monitor.hpp"
#include "agent/monitor/network_monitor.hpp"
#include "agent/node/registry_credentials.hpp"
#include "agent/order_here.hpp"
#include "agent/own_state.hpp"
#include "agent/plan_text.hpp"
#include "agent/readiness.hpp"
#include "agent/reconcile.hpp"
#include "agent/reset.hpp"
#include "agent/run_lock.hpp"
#include "agent/session/real_network.hpp"
#include "agent/status.hpp"
#include "agent/tell_once.hpp"
#include "document/utf8.hpp"
#include "result/version.hpp"

namespace {

using namespace muster;

// Standard output is for output; what happens goes to standard error, which is the journal in a
// unit.
void narrate(std::string_view line) {
  std::cerr << line << std::endl;
  notify_status(line);
}

// As those of `muster`.
constexpr int status_usage = 2, status_refused = 5;

int fail_with(const Error& error) {
  std::cerr << "muster-agent: " << error.message << std::endl;
  return 1;
}

// Loads what every run needs and calls `use(run)`.
template <class Use>
Result<std::invoke_result_t<Use, Run&>> with_run(RealHost& real, bool verify, bool ordered,
                                                 Use use) {
  RealNetwork network;
  auto settings = load_settings(real.host, network, narrate);
  if (!settings) return pass(settings.error());
  const auto lock = take_run_lock(real.host, boot_deadline, narrate);
  if (!lock) return pass(lock.error());
  Memory memory;
  Checkpoint checkpoint = open_state(real.host, memory, narrate);
  if (!settings->damaged.empty()) memory.own_unwell.push_back({"settings", settings->damaged, 0});
  Reporter reporter(real.host, checkpoint, memory, narrate);
  Run run{real.host, network, *settings, checkpoint, reporter, Deadline(real.clock, boot_deadline),
          verify,    ordered, memory};
  return use(run);
}

Result<ConvergeOnce> converge_once(RealHost& real, bool verify, Order order) {
  return with_run(real, verify, order == Order::given, [&](Run& run) {
    if (order == Order::asks) run.reporter.ask_turn();
    ConvergeOnce done;
    done.outcome = reconcile(run);
    done.was_heard = run.reporter.was_heard();
    return done;
  });
}

int status_of(const Outcome& outcome) {
  if (outcome.verdict == Verdict::failed) return 1;
  if (outcome.refused.empty()) return 0;
  const Error refused(ErrorKind::forbidden,
                      "it goes on by what it has, and has nothing newer: " + outcome.refused);
  fail_with(refused);
  return status_refused;
}

int converge(RealHost& real, bool verify) {
  auto done = converge_once(real, verify, Order::none);
  if (done && done->outcome.answer.converge) {
    narrate("an operator gave this machine its turn: going on as with --now");
    done = converge_once(real, verify, Order::given);
  }
  if (!done) return fail_with(done.error());
  return status_of(done->outcome);
}

int converge_here(RealHost& real, bool verify, bool without_turn) {
  const Checkpoint checkpoint = read_checkpoint(real.host);
  const bool asks_first = !without_turn && takes_turns(real.files, checkpoint);
  const auto done =
      converge_now(asks_first, [&](Order order) { return converge_once(real, verify, order); });
  if (done) return status_of(*done);
  const int failed = fail_with(done.error());
  return done.error().kind == ErrorKind::forbidden ? status_refused : failed;
}

int plan(RealHost& real) {
  const auto planned = with_run(real, false, false, [&](Run& run) { return preview(run); });
  if (!planned) return fail_with(planned.error());
  if (!*planned) return fail_with(planned->error().error);
  std::cout << to_text(**planned, real.files);
  return 0;
}

int status(RealHost& real, bool as_json) {
  const Checkpoint checkpoint = read_checkpoint(real.host);
  const auto facts = observe(real.files, {});
  std::cout << (as_json ? status_json(real.host, checkpoint, facts)
                        : status_text(real.host, checkpoint, facts));
  return checkpoint.last_verdict == "failed" ? 1 : 0;
}

int show_facts(RealHost& real, bool as_json) {
  const auto facts = observe(real.files, list_interfaces(real.files));
  RealNetwork network;
  // A person waits.
  const MetadataPatience patience{std::chrono::seconds(10), std::chrono::seconds(5)};
  const auto settings = view_settings(real.host, network, patience, narrate);
  std::cout << (as_json ? facts_json(facts, settings) : facts_text(facts, settings));
  return 0;
}

// The server would call it converged until it is silent.
void tell_reset(RealHost& real) {
  RealNetwork network;
  Memory memory;
  const auto settings = load_settings(real.host, network, narrate);
  const bool is_told =
      settings && tell_once(real.host, network, *settings, memory, as_reset).has_value();
  narrate(is_told ? "the server was told"
                  : "the server could not be told, and calls this machine silent before long");
}

int run_reset(RealHost& real, bool has_ended, bool abandons_etcd) {
  narrate("stopping muster-agent");
  // It would go on, and put everything back.
  static_cast<void>(real.services.stop({"muster-agent.service"}, std::chrono::seconds(30)));
  const auto lock = take_run_lock(real.host, boot_deadline, narrate);
  if (!lock) return fail_with(lock.error());
  const auto done = reset(real.host, narrate, has_ended ? TombstoneGoes::no : TombstoneGoes::yes,
                          abandons_etcd ? EtcdMembership::abandoned : EtcdMembership::leaves,
                          [&] { tell_reset(real); });
  return done ? 0 : fail_with(done.error());
}

int monitor(RealHost& real, const std::string& which) {
  if (which == "network") {
    const auto looked = run_network_monitor(real.host);
    return looked ? 0 : fail_with(looked.error());
  }
  const auto subjects = monitor_subjects(which);
  if (!subjects) return fail_with(subjects.error());
  const auto done = run_monitor(*subjects, real.host);
  return done ? 0 : fail_with(done.error());
}

int hosts(RealHost& real) {
  const auto done = write_hosts(real.files);
  return done ? 0 : fail_with(done.error());
}

int answer_kubelet(RealHost& real, const std::vector<std::string>& registries) {
  const std::string request{std::istreambuf_iterator<char>(std::cin), {}};
  const auto answer = registry_credentials(real.files, registries, request);
  if (!answer) return fail_with(answer.error());
  std::cout << *answer << std::endl;
  return 0;
}

int wait_for_api(RealHost& real, const std::string& url) {
  RealNetwork network;
  for (int part = 0; part < 8; ++part) {
    const auto ready = await_api(real.host, network, url, std::chrono::seconds(15));
    if (ready) return 0;
    std::cerr << "no API server answered yet: " << ready.error().message << std::endl;
  }
  // No failure of this machine: kubelet starts, and waits in its own way.
  return 0;
}

// Nothing can be done where nobody hears it. With the run lock, so that no run of the service takes
// the word back; a shutdown waits for no run that does not end.
int goodbye(RealHost& real) {
  constexpr std::chrono::seconds patience{3};
  const auto lock = take_run_lock(real.host, patience, narrate);
  RealNetwork network;
  const auto settings = load_settings(real.host, network, narrate);
  if (settings) static_cast<void>(say_goodbye(real.host, network, *settings, narrate));
  return 0;
}

// What is wrong, and where to read on. Of an unknown command CLI11 says that some is required.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const auto extra = app.remaining(true);
  const bool is_about_commands =
      error.get_name() == "RequiredError" || error.get_name() == "ExtrasError";
  if (chosen.empty() && is_about_commands && extra.empty())
    return "expected a command, found none; see muster-agent --help";
  if (chosen.empty() && is_about_commands)
    return fmt::format("unknown {} '{}'; see muster-agent --help",
                       extra.front().starts_with('-') ? "option" : "command",
                       printable(extra.front()));
  return fmt::format("{}; see muster-agent {}--help", printable(error.what()),
                     chosen.empty() ? "" : chosen.front()->get_name() + " ");
}

// Of a reset that nobody confirmed.
std::string what_reset_takes(bool has_ended, bool abandons_etcd) {
  return fmt::format(
      "reset: nothing was done: expected --yes, since it takes away this machine's pods and their data, its etcd data, keys and certificates, and all files, releases, packages, routes and settings of the kernel that Muster put here; /etc/muster/agent.json stays. To do it: muster-agent reset --yes{}{}",
      has_ended ? " --ended" : "", abandons_etcd ? " --abandon-etcd" : "");
}

[[noreturn]] void daemon_loop(RealHost& real) {
  RealNetwork network;
  run_daemon(real.host, network, narrate);
}

}  // namespace

int main(int argc, char** argv) {
  // A server, or a program that it runs, may close its end while the agent writes.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"Muster's agent: makes this machine what its signed document says."};
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage, 5 refused.\nExample: muster-agent status");
  app.set_version_flag("--version", program_version);
  app.require_subcommand(1);
  bool verify = false, ordered = false, as_json = false, confirmed = false, has_ended = false;
  bool without_turn = false, abandons_etcd = false;
  std::string output = "text", subject;
  auto* on_converge = app.add_subcommand("converge", "fetch, verify, plan, apply, report, once");
  on_converge->footer("Example: muster-agent converge --now");
  on_converge->add_flag("--verify", verify, "hash every file of every release again");
  auto* now = on_converge->add_flag(
      "--now", ordered,
      "also restart what must wait for a turn; one of several masters asks the server for its own");
  on_converge
      ->add_flag("--without-turn", without_turn,
                 "of a master whose server is away: see that the others are well")
      ->needs(now);
  auto* on_plan = app.add_subcommand("plan", "what converge would do and what it costs");
  on_plan->footer("Example: muster-agent plan");
  auto* on_status = app.add_subcommand("status", "what is in force on this machine");
  on_status->footer("Exit status: 1 where the last attempt failed. Example: muster-agent status");
  on_status->add_option("-o,--output", output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  auto* on_facts =
      app.add_subcommand("facts", "what the agent knows of this machine, and from where");
  on_facts->footer("Example: muster-agent facts -o json");
  on_facts->add_option("-o,--output", output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  auto* on_reset = app.add_subcommand("reset", "leave this machine as it was found");
  on_reset->footer(
      "A master leaves etcd first, and stays as it is where it cannot. It takes up to some minutes and says what it does; its last lines say how the machine comes back.\nExample: muster-agent reset --yes");
  on_reset->add_flag("--yes", confirmed, "really: pods, etcd data and keys go");
  on_reset->add_flag("--ended", has_ended, "its cluster ended: it does not enrol again after this");
  on_reset->add_flag("--abandon-etcd", abandons_etcd,
                     "a master's etcd member stays in the cluster, dead: where it cannot leave");
  auto* on_monitor = app.add_subcommand("monitor", "watch a component and restart what hangs");
  on_monitor->add_option("subject", subject, "kubelet, runtime or network")->required();
  auto* on_hosts = app.add_subcommand("hosts", "write the peers' names into /etc/hosts");
  auto* on_credentials = app.add_subcommand(
      "registry-credentials", "kubelet's image credential provider; reads its request on stdin");
  std::vector<std::string> registries;
  on_credentials->add_option("REGISTRY=FILE", registries, "which secret is for which registry");
  auto* on_await = app.add_subcommand("await-api", "wait two minutes at most for an API server");
  std::string url;
  on_await->add_option("URL", url, "https://ADDRESS:PORT of the API")->required();
  auto* on_goodbye = app.add_subcommand(
      "goodbye", "tell the server that this netbooted machine goes down (muster-goodbye.service)");
  auto* on_daemon = app.add_subcommand("daemon", "converge, wait, converge again");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    static_cast<void>(fail_with({ErrorKind::invalid, usage_problem(app, error)}));
    return status_usage;
  }
  if (*on_reset && !confirmed) {
    static_cast<void>(fail_with({ErrorKind::invalid, what_reset_takes(has_ended, abandons_etcd)}));
    return status_usage;
  }
  as_json = output == "json";
  RealHost real;
  if (*on_facts) return show_facts(real, as_json);
  if (geteuid() != 0) {
    static_cast<void>(fail_with({ErrorKind::forbidden, "expected root; run it with sudo"}));
    return status_refused;
  }
  if (*on_converge && ordered) return converge_here(real, verify, without_turn);
  if (*on_converge) return converge(real, verify);
  if (*on_plan) return plan(real);
  if (*on_status) return status(real, as_json);
  if (*on_reset) return run_reset(real, has_ended, abandons_etcd);
  if (*on_monitor) return monitor(real, subject);
  if (*on_hosts) return hosts(real);
  if (*on_credentials) return answer_kubelet(real, registries);
  if (*on_await) return wait_for_api(real, url);
  if (*on_goodbye) return goodbye(real);
  if (*on_daemon) daemon_loop(real);
  return status_usage;
}
