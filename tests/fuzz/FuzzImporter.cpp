//===- FuzzImporter.cpp - the importer on damaged models -------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Reads the bytes as an ONNX model. Either a module that verifies comes out, or
// at least one error is reported; both need every byte of the file to be
// distrusted.
//
//===----------------------------------------------------------------------===//
#include "compiler/import/Import.h"
#include "google/protobuf/stubs/logging.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include <cstdlib>

// LLVM's allocators mark free memory where they are compiled with the sanitizer, which is in our code but not in LLVM's
// own libraries: what those allocate would look free.
extern "C" const char *__asan_default_options() { return "allow_user_poisoning=0"; }

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  unsigned errors = 0;
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
    errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    return mlir::success();
  });
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(data), size);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      lathe::importModelBytes(bytes, "fuzz.onnx", lathe::ImportOptions(), &context);
  bool isRight = module ? mlir::succeeded(mlir::verify(*module)) : errors > 0;
  if (!isRight)
    std::abort();
  return 0;
}
