# Configures SOURCE with the preset asan in BUILD, builds the target asan_tests
# (unit tests and fuzz targets), and runs them.
function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGN}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --preset asan -B ${BUILD} -DONNX_ROOT=${ONNX_ROOT})
run(${CMAKE_COMMAND} --build ${BUILD} --target asan_tests)
run(${CTEST} --test-dir ${BUILD} --output-on-failure --parallel 2 -L "unit|fuzz")
