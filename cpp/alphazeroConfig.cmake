# find_package(alphazero CONFIG): the headers of the installed alphazero, and how a game is built against them.
#
#   alphazero_add_game(gomoku src/gomoku.cpp)
#
# makes the target `gomoku`, a library that alphazero loads (cpp/bind/library.h says what the source has to export). It is
# for this machine's processor; -DAZ_NATIVE=OFF makes one that travels.
set(ALPHAZERO_INCLUDE_DIR "${CMAKE_CURRENT_LIST_DIR}/../include")
find_package(Threads REQUIRED)
option(AZ_NATIVE "Use every instruction of this machine's processor" ON)

function(alphazero_add_game target)
  add_library(${target} MODULE ${ARGN})
  set_target_properties(${target} PROPERTIES PREFIX "" SUFFIX ".so" CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
                                             CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${target} SYSTEM PRIVATE ${ALPHAZERO_INCLUDE_DIR})
  target_link_libraries(${target} PRIVATE Threads::Threads)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
  if(AZ_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # As the core's own games: by default gcc stops inlining a search too early. Its symbols stay its own.
    target_compile_options(${target} PRIVATE -fno-gnu-unique "SHELL:--param inline-unit-growth=300"
                                             "SHELL:--param large-unit-insns=200000")
  endif()
endfunction()
