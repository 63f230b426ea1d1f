# Finds what Lathe is built from and gives each dependency one target:
#   lathe_mlir     libMLIR.so + libLLVM.so, never the static archives
#   lathe_onnx     ONNX's C++ library (protobuf messages, checker, schemas)
#   lathe_zip      libzip, for .npz files
#   zstd::libzstd_static  Zstandard, inside the runtime, which is to depend on nothing
# and LATHE_STB_INCLUDE, the folder above stb/, for pictures.
# tools/install-deps puts ONNX and Catch2 below LATHE_DEPS.

find_package(Threads REQUIRED)
find_package(zstd REQUIRED CONFIG)

# ccache is told that the folder of the clone doesn't matter, and that a
# precompiled header is what its .sum file says (see LatheTargets.cmake).
find_program(LATHE_CCACHE ccache)
if(LATHE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${LATHE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

# The same folder that tools/install-deps installs to.
if(DEFINED ENV{LATHE_DEPS})
  set(default_deps $ENV{LATHE_DEPS})
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(default_deps $ENV{XDG_CACHE_HOME}/lathe)
else()
  set(default_deps $ENV{HOME}/.cache/lathe)
endif()
set(LATHE_DEPS ${default_deps} CACHE PATH "Where tools/install-deps installs")

# The version of a package in tools/requirements.txt, the one list of pins.
function(lathe_pinned_version package out)
  file(STRINGS ${PROJECT_SOURCE_DIR}/tools/requirements.txt line REGEX "^${package}==")
  string(REGEX REPLACE "^${package}==([0-9.]+).*" "\\1" version "${line}")
  set(${out} ${version} PARENT_SCOPE)
endfunction()

# The Python that has the reference packages (onnx, onnxruntime, numpy). Not
# cached, since its folder is another one when the requirements change.
set(LATHE_PYTHON "" CACHE FILEPATH "Python with the packages of tools/requirements.txt; empty: tools/install-deps's")
if(NOT LATHE_PYTHON)
  file(SHA256 ${PROJECT_SOURCE_DIR}/tools/requirements.txt requirements_hash)
  string(SUBSTRING ${requirements_hash} 0 12 requirements_hash)
  set(LATHE_PYTHON ${LATHE_DEPS}/venv-${requirements_hash}/bin/python)
endif()

if(NOT LATHE_BUILD_COMPILER)
  return()
endif()

find_package(MLIR 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19/lib/cmake/mlir)
set(LATHE_LLVM_BIN ${LLVM_TOOLS_BINARY_DIR})
find_program(LATHE_MLIR_TBLGEN NAMES mlir-tblgen HINTS ${LATHE_LLVM_BIN} REQUIRED NO_DEFAULT_PATH)

# Linking the archives beside the shared libraries would give two copies of
# every dialect's TypeID, so this target names the two shared libraries only.
add_library(lathe_mlir INTERFACE)
target_include_directories(lathe_mlir SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(llvm_definitions NATIVE_COMMAND ${LLVM_DEFINITIONS})
target_compile_definitions(lathe_mlir INTERFACE ${llvm_definitions})
target_link_libraries(lathe_mlir INTERFACE
  ${LLVM_LIBRARY_DIR}/libMLIR.so ${LLVM_LIBRARY_DIR}/libLLVM.so)

find_package(Protobuf 3.21 REQUIRED)
lathe_pinned_version(onnx onnx_version)
set(ONNX_ROOT "" CACHE PATH "Prefix of ONNX's C++ library; empty: tools/install-deps's")
if(NOT ONNX_ROOT)
  set(ONNX_ROOT ${LATHE_DEPS}/onnx-${onnx_version})
endif()
if(NOT EXISTS ${ONNX_ROOT}/lib/libonnx.a)
  message(WARNING "ONNX ${onnx_version} is not in ${ONNX_ROOT}; run tools/install-deps")
endif()
add_library(lathe_onnx INTERFACE)
target_include_directories(lathe_onnx SYSTEM INTERFACE ${ONNX_ROOT}/include)
target_compile_definitions(lathe_onnx INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(lathe_onnx INTERFACE
  ${ONNX_ROOT}/lib/libonnx.a ${ONNX_ROOT}/lib/libonnx_proto.a protobuf::libprotobuf Threads::Threads)

# Not by libzip's own CMake files: Debian's want its command line tools too.
find_path(LATHE_ZIP_INCLUDE zip.h REQUIRED)
find_library(LATHE_ZIP_LIBRARY zip REQUIRED)
add_library(lathe_zip INTERFACE)
target_include_directories(lathe_zip SYSTEM INTERFACE ${LATHE_ZIP_INCLUDE})
target_link_libraries(lathe_zip INTERFACE ${LATHE_ZIP_LIBRARY})
find_path(LATHE_STB_INCLUDE stb/stb_image.h REQUIRED)
