# What every target of the project shares, and two functions that keep the
# CMakeLists.txt files short.

find_program(CUTTLE_CCACHE ccache)
if(CUTTLE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${CUTTLE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CUTTLE_CCACHE}")
endif()

# Two heavy units (Boost.Asio) may compile side by side; more would not fit a
# small machine's memory.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=2)

find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)

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
    -fno-sanitize-recover=all)
  target_link_options(cuttle_options INTERFACE "-fsanitize=${CUTTLE_SANITIZE}")
endif()

# cuttle_library(NAME SOURCES … DEPS …): a static library cuttle_NAME.
function(cuttle_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(cuttle_${name} STATIC ${arg_SOURCES})
  target_link_libraries(cuttle_${name} PUBLIC cuttle_options ${arg_DEPS})
endfunction()

# cuttle_test(NAME LABELS unit|actor|program|e2e [driver] SOURCES … DEPS …
# [TIMEOUT s]): one GoogleTest program test_NAME; each of its tests is a test of
# ctest. The labels actor and driver mark what runs under ThreadSanitizer too.
function(cuttle_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;SOURCES;DEPS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${arg_DEPS} GTest::gtest)
  if(NOT "actor" IN_LIST arg_LABELS)
    target_link_libraries(test_${name} PRIVATE GTest::gtest_main)
  endif()
  target_compile_definitions(test_${name} PRIVATE
    CUTTLE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
  # One word, such as unit-driver: a list would not survive the script that
  # discovers the tests. ctest -L matches a part of it.
  list(JOIN arg_LABELS "-" label)
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}."
    DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${label}" TIMEOUT ${arg_TIMEOUT})
endfunction()
