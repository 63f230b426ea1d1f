# The functions that the folders' CMakeLists.txt are written with.
#
#   lathe_add_library(name SOURCES a.cpp ... [LINK lib ...] [DEPENDS target ...])
#     a static library of the compiler: MLIR, warnings, precompiled header
#   lathe_add_executable(name SOURCES a.cpp ... [LINK lib ...])
#     a tool; goes to bin/
#   lathe_tablegen(target TD File.td OUTPUTS File.h.inc "-gen-op-decls" ...)
#     .inc files made by mlir-tblgen beside the build tree's copy of this
#     folder, so that "dialects/nn/NNOps.h.inc" finds them; libraries that
#     include them name the target in DEPENDS

# Include root = repository root (and the build tree, for generated files).
add_library(lathe_options INTERFACE)
target_include_directories(lathe_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>)
if(LATHE_WARNINGS)
  target_compile_options(lathe_options INTERFACE
    -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
endif()
if(LATHE_SANITIZE)
  target_compile_options(lathe_options INTERFACE
    -fsanitize=${LATHE_SANITIZE} -fno-sanitize=vptr,function -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  target_link_options(lathe_options INTERFACE -fsanitize=${LATHE_SANITIZE})
endif()

# What every target of the compiler is compiled with. -O1: compiling Lathe
# takes half the time of -O2 and compiling a model is dominated by LLVM.
add_library(lathe_compiler_options INTERFACE)
target_compile_options(lathe_compiler_options INTERFACE $<$<CONFIG:Release>:-O1>)
target_link_libraries(lathe_compiler_options INTERFACE lathe_options)
if(TARGET lathe_mlir)
  target_link_libraries(lathe_compiler_options INTERFACE lathe_mlir)
  add_library(lathe_pch STATIC ${PROJECT_SOURCE_DIR}/tools/cmake/Pch.cpp)
  target_link_libraries(lathe_pch PRIVATE lathe_compiler_options)
  target_precompile_headers(lathe_pch PRIVATE ${PROJECT_SOURCE_DIR}/tools/cmake/Pch.h)
  target_compile_options(lathe_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  # The precompiled header holds the paths of this clone, so it is compiled anew
  # in each; for ccache the files that use it depend on what it is made from.
  set_target_properties(lathe_pch PROPERTIES CXX_COMPILER_LAUNCHER "")
  file(SHA256 ${PROJECT_SOURCE_DIR}/tools/cmake/Pch.h pch_text)
  set(LATHE_PCH CMakeFiles/lathe_pch.dir/cmake_pch.hxx.pch)
  file(WRITE ${PROJECT_BINARY_DIR}/${LATHE_PCH}.sum
    "${pch_text} LLVM ${LLVM_PACKAGE_VERSION} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${LATHE_SANITIZE}\n")
endif()

function(lathe_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_LINK} lathe_compiler_options)
  # What REUSE_FROM would do, with a relative path, which is the same in all clones.
  target_compile_options(${name} PRIVATE -Winvalid-pch
    "SHELL:-Xclang -fno-pch-timestamp -Xclang -include-pch -Xclang ${LATHE_PCH}")
  set_property(SOURCE ${arg_SOURCES} APPEND PROPERTY OBJECT_DEPENDS ${PROJECT_BINARY_DIR}/${LATHE_PCH})
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
endfunction()

function(lathe_add_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} lathe_compiler_options)
endfunction()

function(lathe_tablegen target)
  cmake_parse_arguments(arg "" "TD" "OUTPUTS" ${ARGN})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(generated)
  while(arg_OUTPUTS)
    list(POP_FRONT arg_OUTPUTS file flags)
    separate_arguments(flags NATIVE_COMMAND ${flags})
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${file})
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${LATHE_MLIR_TBLGEN} ${flags} ${CMAKE_CURRENT_SOURCE_DIR}/${arg_TD}
              -I ${PROJECT_SOURCE_DIR} -I ${MLIR_INCLUDE_DIRS} -o ${output} -d ${output}.d
      DEPENDS ${arg_TD}
      DEPFILE ${output}.d
      COMMENT "Generating ${folder}/${file}"
      VERBATIM)
    list(APPEND generated ${output})
  endwhile()
  add_custom_target(${target} DEPENDS ${generated})
endfunction()
