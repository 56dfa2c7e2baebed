# The libraries of others, as interface targets cuttle_with_<name>, and whether
# they are linked statically. Static is what the worker ships: nothing is mapped that
# it never uses (docs/decisions/0013-static-libraries.md).

find_path(CUTTLE_STATIC_ROOT NAMES lib/libcurl.a PATH_SUFFIXES cuttle-static
  DOC "What tools/install-libraries made")
# The sanitizers' run-time can not be linked statically, and wants to see into
# the libraries.
set(CUTTLE_LINK_STATICALLY AUTO CACHE STRING
  "Link all libraries but the C library statically: ON, OFF or AUTO")
set(CUTTLE_STATIC_LIBRARIES ${CUTTLE_LINK_STATICALLY})
if(CUTTLE_LINK_STATICALLY STREQUAL "AUTO")
  set(CUTTLE_STATIC_LIBRARIES OFF)
  if(CUTTLE_STATIC_ROOT AND NOT CUTTLE_SANITIZE)
    try_compile(CUTTLE_STATIC_LINKS "${CMAKE_BINARY_DIR}/static_check"
      "${CMAKE_CURRENT_LIST_DIR}/static_check.cpp"
      CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=/usr/include/libbson-1.0"
      LINK_OPTIONS -static-libstdc++ -static-libgcc -Wl,--gc-sections
        -Wl,-z,relro,-z,now -Wl,-z,pack-relative-relocs
      LINK_LIBRARIES "${CUTTLE_STATIC_ROOT}/lib/libcurl.a"
        "${CUTTLE_STATIC_ROOT}/lib/libprometheus-cpp-core.a"
        "${CUTTLE_STATIC_ROOT}/lib/libsimdjson.a" -l:libyaml-cpp.a
        -l:libbson-static-1.0.a -l:libnghttp2.a -l:libssl.a -l:libcrypto.a
        -l:libz.a -pthread -ldl
      CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
      COPY_FILE "${CMAKE_BINARY_DIR}/static_check/program"
      OUTPUT_VARIABLE static_check_output)
    set(CUTTLE_STATIC_LIBRARIES ${CUTTLE_STATIC_LINKS})
    if(NOT CUTTLE_STATIC_LINKS AND static_check_output)
      message(WARNING "The static libraries in ${CUTTLE_STATIC_ROOT} can not be "
        "linked:\n${static_check_output}")
    endif()
  endif()
endif()
if(NOT CUTTLE_STATIC_LIBRARIES AND CMAKE_BUILD_TYPE STREQUAL "Release")
  message(WARNING "Shared libraries: a worker takes more memory with them. "
    "tools/install-libraries makes the static ones.")
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
if(CUTTLE_STATIC_LIBRARIES)
  set(OPENSSL_USE_STATIC_LIBS ON)
  set(ZLIB_USE_STATIC_LIBS ON)
  # (a folder that was configured before there were archives)
  foreach(kept OPENSSL_CRYPTO_LIBRARY OPENSSL_SSL_LIBRARY ZLIB_LIBRARY_RELEASE)
    if("${${kept}}" MATCHES "\\.so$")
      unset(${kept} CACHE)
    endif()
  endforeach()
endif()
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)

foreach(name curl simdjson prometheus yaml bson spdlog)
  add_library(cuttle_with_${name} INTERFACE)
endforeach()

# cuttle_defines(NAME TARGET): what code that includes the headers has to define.
function(cuttle_defines name target)
  get_target_property(definitions ${target} INTERFACE_COMPILE_DEFINITIONS)
  target_compile_definitions(cuttle_with_${name} INTERFACE ${definitions})
endfunction()

# (spdlog and fmt are header-only in the one file that uses them; see log.cpp)
find_package(spdlog REQUIRED)
cuttle_defines(spdlog spdlog::spdlog)
cuttle_defines(spdlog fmt::fmt)

pkg_check_modules(BSON REQUIRED IMPORTED_TARGET libbson-1.0)

find_package(simdjson REQUIRED)
if(CUTTLE_STATIC_LIBRARIES)
  # Headers are those of the packages: the archives are of the same versions.
  # cuttle_archive(NAME FILE [PATHS …]): links the archive of that name.
  function(cuttle_archive name file)
    string(MAKE_C_IDENTIFIER "CUTTLE_${file}" variable)
    string(TOUPPER "${variable}" variable)
    find_library(${variable} NAMES ${file} REQUIRED ${ARGN})
    target_link_libraries(cuttle_with_${name} INTERFACE "${${variable}}")
  endfunction()
  set(ours PATHS "${CUTTLE_STATIC_ROOT}/lib" NO_DEFAULT_PATH)
  # (a target of its own, so that what it needs comes after it)
  find_library(CUTTLE_LIBCURL_A NAMES libcurl.a REQUIRED ${ours})
  find_library(CUTTLE_LIBNGHTTP2_A NAMES libnghttp2.a REQUIRED)
  add_library(cuttle_archive_curl STATIC IMPORTED GLOBAL)
  set_target_properties(cuttle_archive_curl PROPERTIES
    IMPORTED_LOCATION "${CUTTLE_LIBCURL_A}"
    INTERFACE_LINK_LIBRARIES
    "${CUTTLE_LIBNGHTTP2_A};OpenSSL::SSL;OpenSSL::Crypto;ZLIB::ZLIB;Threads::Threads")
  target_link_libraries(cuttle_with_curl INTERFACE cuttle_archive_curl)
  cuttle_archive(simdjson libsimdjson.a ${ours})
  cuttle_defines(simdjson simdjson::simdjson)
  cuttle_archive(prometheus libprometheus-cpp-core.a ${ours})
  cuttle_archive(yaml libyaml-cpp.a)
  target_include_directories(cuttle_with_bson SYSTEM INTERFACE
    ${BSON_INCLUDE_DIRS})
  cuttle_archive(bson libbson-static-1.0.a)
  target_link_libraries(cuttle_with_bson INTERFACE Threads::Threads)
else()
  find_package(CURL 7.88 REQUIRED)
  find_package(prometheus-cpp REQUIRED COMPONENTS core)
  find_package(yaml-cpp REQUIRED)
  target_link_libraries(cuttle_with_curl INTERFACE CURL::libcurl)
  target_link_libraries(cuttle_with_simdjson INTERFACE simdjson::simdjson)
  target_link_libraries(cuttle_with_prometheus INTERFACE prometheus-cpp::core)
  target_link_libraries(cuttle_with_yaml INTERFACE yaml-cpp)
  target_link_libraries(cuttle_with_bson INTERFACE PkgConfig::BSON)
endif()
