// `muster`, the operator's command.
#include "cli/command_line.hpp"

int main(int count, char** arguments) {
  return muster::run_muster(count, arguments);
}
