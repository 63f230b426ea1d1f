# Targets and functions shared by all folders.
find_package(MLIR 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# Include root of everything: the repository and its mirror in the build tree.
add_library(lathe_root INTERFACE)
target_include_directories(lathe_root INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})

# libMLIR.so + libLLVM.so and nothing else of LLVM.
add_library(lathe_mlir INTERFACE)
target_include_directories(lathe_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_definitions(lathe_mlir INTERFACE ${LLVM_DEFINITIONS_LIST})
target_link_libraries(lathe_mlir INTERFACE lathe_root MLIR LLVM)

# libonnx, built by tools/install-deps.
find_package(Protobuf REQUIRED)
find_package(ONNX REQUIRED CONFIG HINTS ${ONNX_ROOT})
add_library(lathe_onnx INTERFACE)
target_link_libraries(lathe_onnx INTERFACE ONNX::onnx)

# One precompiled header for everything that includes MLIR.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
add_library(lathe_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
target_link_libraries(lathe_pch PRIVATE lathe_mlir)
target_compile_options(lathe_pch PRIVATE -O1 "SHELL:-Xclang -fno-pch-timestamp")
target_precompile_headers(lathe_pch PRIVATE ${CMAKE_SOURCE_DIR}/tools/cmake/pch.h)

# lathe_add_library(name SOURCES a.cpp ... [LINK targets...] [DEPENDS targets...]): a static library of the compiler side.
function(lathe_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC lathe_mlir ${ARG_LINK})
  target_compile_options(${name} PRIVATE -O1 "SHELL:-Xclang -fno-pch-timestamp")
  target_precompile_headers(${name} REUSE_FROM lathe_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()
