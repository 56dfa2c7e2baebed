# cmake -D OUTPUT=… -D NAMES=a,b -D FILES=…,… -P embed.cmake: a C++ source that
# holds files, as `const std::string_view cuttle::embedded_<name>`.
string(REPLACE "," ";" names "${NAMES}")
string(REPLACE "," ";" files "${FILES}")
set(text "#include <string_view>\n\nnamespace cuttle {\n\n")
foreach(name file IN ZIP_LISTS names files)
  file(READ "${file}" hex HEX)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${hex}")
  # A literal for each 16 bytes: compilers have a limit for one.
  string(REGEX REPLACE "((\\\\x..)(\\\\x..)?(\\\\x..)?(\\\\x..)?(\\\\x..)?(\\\\x..)?(\\\\x..)?(\\\\x..)?)" "\"\\1\"\n" bytes "${bytes}")
  string(APPEND text "extern const std::string_view embedded_${name};\n"
    "const std::string_view embedded_${name}{\n${bytes}, ${length}};\n\n")
endforeach()
string(APPEND text "} // namespace cuttle\n")
file(WRITE "${OUTPUT}" "${text}")
