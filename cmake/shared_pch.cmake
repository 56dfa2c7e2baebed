# One precompiled header for all targets of the project.
#
# Under the sanitizers the code is compiled by clang and without optimization,
# and two thirds of that time are the headers of libraries. Clang maps such a
# file and reads of it what a unit uses, so a single one serves all; GCC reads it
# whole, which is why the other builds have small ones (cuttle_test_pch). That
# each unit includes what it needs is checked by those.

# All targets of this folder and of those below it, into VARIABLE.
function(cuttle_targets_below folder variable)
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    cuttle_targets_below("${below}" more)
    list(APPEND targets ${more})
  endforeach()
  set(${variable} "${targets}" PARENT_SCOPE)
endfunction()

# To be called when all targets are known.
function(cuttle_share_pch)
  cuttle_targets_below("${PROJECT_SOURCE_DIR}" targets)
  set(source "${PROJECT_BINARY_DIR}/shared_pch.cpp")
  file(GENERATE OUTPUT "${source}" CONTENT "\n")
  add_library(cuttle_shared_pch STATIC EXCLUDE_FROM_ALL "${source}")
  target_link_libraries(cuttle_shared_pch PRIVATE cuttle_options CAF::core
    PkgConfig::BSON OpenSSL::SSL GTest::gtest)
  target_precompile_headers(cuttle_shared_pch PRIVATE
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint>
    <deque> <filesystem> <fstream> <functional> <iostream> <map> <memory>
    <mutex> <optional> <random> <set> <span> <sstream> <stdexcept> <string>
    <string_view> <system_error> <thread> <unordered_map> <utility> <variant>
    <vector>
    <bson/bson.h> <gtest/gtest.h> <nlohmann/json.hpp> <simdjson.h>
    <openssl/ssl.h> <openssl/x509.h>
    <boost/asio.hpp> <boost/asio/ssl.hpp> <boost/beast/core.hpp>
    <boost/beast/http.hpp>
    <caf/actor_system.hpp> <caf/actor_system_config.hpp>
    <caf/scoped_actor.hpp> <caf/stateful_actor.hpp>
    <caf/typed_event_based_actor.hpp> <caf/typed_response_promise.hpp>)
  # Its bytes name the folder that they were made in, which would make every unit
  # another one to the compiler's cache. What counts is what is in it.
  set(folder "${PROJECT_BINARY_DIR}/CMakeFiles/cuttle_shared_pch.dir")
  set(includes "$<TARGET_PROPERTY:cuttle_shared_pch,INCLUDE_DIRECTORIES>")
  set(defines "$<TARGET_PROPERTY:cuttle_shared_pch,COMPILE_DEFINITIONS>")
  add_custom_command(OUTPUT "${folder}/cmake_pch.hxx.pch.sum"
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -E -P -dD
      "$<$<BOOL:${includes}>:-I$<JOIN:${includes},;-I>>"
      "$<$<BOOL:${defines}>:-D$<JOIN:${defines},;-D>>"
      -w -x c++-header cmake_pch.hxx -o pch.text
    COMMAND "${CMAKE_COMMAND}" -E sha256sum pch.text > cmake_pch.hxx.pch.sum
    COMMAND "${CMAKE_COMMAND}" -E rm pch.text
    WORKING_DIRECTORY "${folder}" DEPENDS cuttle_shared_pch
    VERBATIM COMMAND_EXPAND_LISTS COMMENT "Summing up the precompiled header")
  add_custom_target(cuttle_shared_pch_sum
    DEPENDS "${folder}/cmake_pch.hxx.pch.sum")
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type MATCHES "^(STATIC_LIBRARY|EXECUTABLE)$")
      target_precompile_headers(${target} REUSE_FROM cuttle_shared_pch)
      add_dependencies(${target} cuttle_shared_pch_sum)
    endif()
    if(type STREQUAL "EXECUTABLE")
      # Asio's headers have objects in each unit that need its compiled part.
      target_link_libraries(${target} PRIVATE cuttle_asio)
    endif()
  endforeach()
endfunction()
