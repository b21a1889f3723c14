# Writes OUTPUT, the one file that a new commit compiles anew, of the source's git history where it has one.
# cmake -D SOURCE=... -D VERSION=... -D OUTPUT=... -P version.cmake
set(found "")
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git)
  # The clone may be another user's, for which git has to be asked to answer.
  set(ask ${GIT} -c safe.directory=* -C ${SOURCE})
  execute_process(COMMAND ${ask} rev-list --count HEAD OUTPUT_VARIABLE count OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE counted)
  execute_process(COMMAND ${ask} rev-parse --short=8 HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE named)
  if(counted EQUAL 0 AND named EQUAL 0)
    set(found "-${count}-g${commit}")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "result/version.hpp"

namespace muster {

const char* const program_version = "@VERSION@@found@";

}  // namespace muster
]])
