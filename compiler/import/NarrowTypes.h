// ONNX's element types of 2, 4 and 8 bits that nn has no form of: each element stands as a byte.
//
// int4 and int2 are i8, uint4 and uint2 are ui8; floats (float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float4e2m1) are ui8
// that hold their bits. Such bytes are moved, dequantized and converted, nothing else. `Entry::narrow` says which type they are.
#pragma once

#include "compiler/import/ModelFile.h"
#include "compiler/import/Node.h"

namespace lathe::importer {

bool isNarrowFloat(int32_t onnxType);
/// One byte per element of data that are packed as TensorProto says: the first element lowest, a tensor's last byte filled up.
void unpackNarrow(llvm::ArrayRef<char> packed, int32_t onnxType, llvm::MutableArrayRef<char> elements);

/// f32 of the bits of a narrow float.
mlir::Value decodedFloat(Node &n, mlir::Value bits, int32_t onnxType);
/// The bits of the nearest narrow float, ties to even. What is too large becomes the largest number if `saturate`, else infinity
/// or NaN; so does infinity. NaN stays NaN.
mlir::Value encodedFloat(Node &n, mlir::Value x, int32_t onnxType, bool saturate);
/// Saturates integers (i8 or ui8) to the range of a narrow type; others stay.
mlir::Value saturatedNarrow(Node &n, mlir::Value x, int32_t onnxType);
/// Cast from type `from` to type `to`, one of them narrow; both are ONNX types.
mlir::Value castNarrow(Node &n, mlir::Value x, int32_t from, int32_t to, bool saturate);

} // namespace lathe::importer
