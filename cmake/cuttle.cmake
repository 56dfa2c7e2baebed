# What every target of the project shares, and two functions that keep the
# CMakeLists.txt files short.

find_program(CUTTLE_CCACHE ccache)
if(CUTTLE_CCACHE)
  # One clone finds what another has compiled: no unit but tests/folders.cpp
  # depends on where the clone is. (Without the sloppiness, what uses a
  # precompiled header is never found again.)
  set(launcher "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_PCH_EXTSUM=1)
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher} "${CUTTLE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher} "${CUTTLE_CCACHE}")
endif()

if(CUTTLE_SHARED_PCH)
  # In words that ccache understands, so that the folder is not a part of it.
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
endif()

# Two heavy units (Boost.Asio) may compile side by side; more would not fit a
# small machine's memory.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=2)

include(libraries)

add_library(cuttle_options INTERFACE)
target_include_directories(cuttle_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(cuttle_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough
  -fstack-protector-strong)
target_compile_definitions(cuttle_options INTERFACE
  CUTTLE_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_BEAST_SEPARATE_COMPILATION)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(cuttle_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(CUTTLE_SANITIZE)
  target_compile_options(cuttle_options INTERFACE
    "-fsanitize=${CUTTLE_SANITIZE}" -fno-omit-frame-pointer
    "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=."
    -fno-sanitize-recover=all)
  target_link_options(cuttle_options INTERFACE "-fsanitize=${CUTTLE_SANITIZE}")
  if(CUTTLE_SANITIZE MATCHES undefined AND NOT CUTTLE_FUZZ)
    # Checks at every access to a member, a third of the time to compile: of
    # null pointers and of objects of another type, which AddressSanitizer ends
    # as well, and of alignment, which no processor in use asks for.
    target_compile_options(cuttle_options INTERFACE
      -fno-sanitize=null,vptr,alignment)
  endif()
  # One kind of position independence, for the one precompiled header.
  set(CMAKE_CXX_COMPILE_OPTIONS_PIE "-fPIC")
  if(CUTTLE_SANITIZE MATCHES thread)
    # ThreadSanitizer does not know fences. Asio's order nothing that its mutexes
    # do not order as well.
    target_compile_definitions(cuttle_options INTERFACE
      BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

# cuttle_library(NAME SOURCES … DEPS …): a static library cuttle_NAME.
function(cuttle_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(cuttle_${name} STATIC ${arg_SOURCES})
  target_link_libraries(cuttle_${name} PUBLIC cuttle_options ${arg_DEPS})
endfunction()

# Tests compile with little optimization: it takes half the time that -O2 takes,
# a third under sanitizers, and nothing that a test would notice changes.
function(cuttle_test_options target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -O1)
  elseif(CUTTLE_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# What every test includes, compiled once. A program rather than a library, so
# that its code has the same kind of position independence.
function(cuttle_test_pch)
  if(NOT TARGET cuttle_test_pch)
    set(source "${PROJECT_BINARY_DIR}/test_pch.cpp")
    file(GENERATE OUTPUT "${source}" CONTENT "int main() {}\n")
    add_executable(cuttle_test_pch EXCLUDE_FROM_ALL "${source}")
    target_link_libraries(cuttle_test_pch PRIVATE cuttle_options GTest::gtest)
    cuttle_test_options(cuttle_test_pch)
    target_precompile_headers(cuttle_test_pch PRIVATE <chrono> <functional>
      <map> <memory> <optional> <string> <thread> <vector> <gtest/gtest.h>)
  endif()
endfunction()

# cuttle_test(NAME LABELS unit|actor|program|e2e [driver] SOURCES … DEPS …
# [TIMEOUT s]): one GoogleTest program test_NAME; each of its tests is a test of
# ctest. The labels actor and driver mark what runs under ThreadSanitizer too;
# target thread_tests builds just those, all_tests all but those of the cluster.
function(cuttle_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;SOURCES;DEPS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE cuttle_test_folders ${arg_DEPS}
    GTest::gtest)
  if(NOT "actor" IN_LIST arg_LABELS)
    target_link_libraries(test_${name} PRIVATE GTest::gtest_main)
  endif()
  foreach(target all_tests thread_tests)
    if(NOT TARGET ${target})
      add_custom_target(${target})
    endif()
  endforeach()
  add_dependencies(all_tests test_${name})
  if("actor" IN_LIST arg_LABELS OR "driver" IN_LIST arg_LABELS)
    add_dependencies(thread_tests test_${name})
  endif()
  cuttle_test_options(test_${name})
  if(CUTTLE_PCH)
    cuttle_test_pch()
    target_precompile_headers(test_${name} REUSE_FROM cuttle_test_pch)
  endif()
  # One word, such as unit-driver: a list would not survive the script that
  # discovers the tests. ctest -L matches a part of it.
  list(JOIN arg_LABELS "-" label)
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}."
    DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${label}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# g++ 12 invents out-of-bounds accesses for std::string once it inlines enough
# (GCC bug 105329 and its kin). Only for targets that it reports wrongly.
function(cuttle_quiet_strings target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-array-bounds
      -Wno-stringop-overflow -Wno-restrict -Wno-maybe-uninitialized)
  endif()
endfunction()
