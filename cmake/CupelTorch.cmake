# libtorch as one target: that of `scripts/setup.sh torch`, or any other of 2.11 or newer, with or without CUDA. Not
# PyTorch's own package file: it asks for a CUDA toolkit wherever libtorch has CUDA, and we compile nothing for the GPU.
set(CUPEL_LIBTORCH ${CMAKE_SOURCE_DIR}/.torch/torch CACHE PATH "Folder of libtorch: include/ and lib/")
foreach(file include/ATen/core/Tensor.h include/ATen/TensorOperators.h lib/libtorch_cpu.so lib/libc10.so)
  if(NOT EXISTS ${CUPEL_LIBTORCH}/${file})
    message(FATAL_ERROR "cupel-train needs libtorch 2.11 or newer in ${CUPEL_LIBTORCH} (no ${file}); "
      "run scripts/setup.sh torch, or name one: -DCUPEL_LIBTORCH=FOLDER")
  endif()
endforeach()

add_library(cupel_libtorch INTERFACE)
target_include_directories(cupel_libtorch SYSTEM INTERFACE
  ${CUPEL_LIBTORCH}/include ${CUPEL_LIBTORCH}/include/torch/csrc/api/include)
# One header per operator: half of the compile time of a file (measured, docs/architecture.md).
target_compile_definitions(cupel_libtorch INTERFACE AT_PER_OPERATOR_HEADERS)
foreach(library torch torch_cpu torch_cuda c10_cuda c10)
  if(EXISTS ${CUPEL_LIBTORCH}/lib/lib${library}.so)
    add_library(cupel_so_${library} SHARED IMPORTED)
    set_target_properties(cupel_so_${library} PROPERTIES IMPORTED_LOCATION ${CUPEL_LIBTORCH}/lib/lib${library}.so)
    # Nothing names a symbol of the CUDA library: its operators register themselves when it is loaded.
    if(library STREQUAL torch_cuda)
      target_link_options(cupel_libtorch INTERFACE
        "LINKER:--push-state,--no-as-needed,${CUPEL_LIBTORCH}/lib/libtorch_cuda.so,--pop-state")
    else()
      target_link_libraries(cupel_libtorch INTERFACE cupel_so_${library})
    endif()
  endif()
endforeach()

# Compiles a target's files with the precompiled header of tensor/tensor.h, which is built once, in the module tensor.
function(cupel_use_tensor_header target)
  if(target STREQUAL cupel_tensor)
    target_precompile_headers(cupel_tensor PRIVATE ${CMAKE_SOURCE_DIR}/src/tensor/tensor.h)
  else()
    target_precompile_headers(${target} REUSE_FROM cupel_tensor)
  endif()
  # What ccache needs to know of a precompiled header.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()
