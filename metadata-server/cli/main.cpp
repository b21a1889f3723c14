// `muster`, the operator's command.
#include <csignal>

#include "cli/command_line.hpp"

int main(int count, char** arguments) {
  // A server that refuses an upload closes its end: that is to be told, not to die of.
  std::signal(SIGPIPE, SIG_IGN);
  return muster::run_muster(count, arguments);
}
