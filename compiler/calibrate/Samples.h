// Calibration data: where samples of a model's inputs come from.
//
//   data.npz           one array per input, its first axis the samples (the array's rank is the input's: sample i is
//                      arr[i:i+1], or as many rows as the input's static first axis has; one rank more: sample i is
//                      arr[i]); a model with one input takes one array of any name
//   data.npy           the same, for a model with one input
//   folder/*.npz       the samples of all files, one file after the other
//   folder/*.npy       one input: the same; several inputs: <input>.npy for each, as in an .npz
//   folder/*/*.npy     the same in each subfolder
//   folder/test_data_set_*/input_*.pb   ONNX tensors in the inputs' order, one sample per folder; or one such folder
//   folder/*.png, *.jpg, *.jpeg, *.bmp  pictures, for one input [N, C, H, W] or [N, H, W, C]; subfolders too
//
// Files are taken in the order of their names, numbers by value; files of other kinds are passed over.
#pragma once

#include "dialects/reference/Evaluate.h"
#include "mlir/IR/BuiltinTypes.h"
#include <memory>
#include <string>
#include <vector>

namespace lathe {

/// An input of the model that samples must fit. Dynamic axes may carry symbols (dialects/support/Symbols.h): axes of one
/// symbol have one size within a sample.
struct InputSpec {
  std::string name;
  mlir::RankedTensorType type;
};

/// How pictures become tensors: decoded to 1, 3 or 4 channels as the input has, resized without cropping by a bilinear
/// filter (which averages where it shrinks), then (pixel / 255 - mean) / std. An integer input takes pixels 0..255 as they
/// are. EXIF rotation is not applied.
struct ImageOptions {
  std::vector<double> mean, std; // one for all channels or one each; empty: 0 and 1
  int64_t height = 0, width = 0; // in pixels; 0: the input's own
  bool isEmpty() const { return mean.empty() && std.empty() && !height && !width; }
};

/// Samples, loaded one at a time: memory does not grow with their number. Reading them in order is the fast way: going
/// back in a compressed array starts it anew. Not thread-safe.
class SampleSource {
public:
  virtual ~SampleSource();
  /// At least 1. A source may end earlier than it said, but not before what was loaded.
  virtual size_t count() const = 0;
  /// One tensor per input, in their order, of the input's element type, static shape, owned memory. Errors name file,
  /// sample and input: unreadable or damaged data, NaN or infinity, values that the input's type can't hold, sizes that
  /// don't fit.
  virtual llvm::Expected<reference::Tensors> load(size_t index) = 0;
};

/// Opens a file or a folder, and checks names, element types and shapes of all samples as far as headers tell. Values are
/// converted where none is lost but to rounding: floats to floats, integers and bools to integers; nothing else.
llvm::Expected<std::unique_ptr<SampleSource>> openSamples(llvm::StringRef path, llvm::ArrayRef<InputSpec> inputs,
                                                          const ImageOptions &images);

} // namespace lathe
