// The kinds of sample sources that openSamples chooses from.
#pragma once

#include "compiler/calibrate/Samples.h"

namespace lathe::samples {

using Source = llvm::Expected<std::unique_ptr<SampleSource>>;

/// Where the arrays of one part of the samples stand.
struct ArrayPlace {
  enum Kind { npz, npy, folderOfNpy } kind;
  std::string path;
};

Source openArrays(std::vector<ArrayPlace> places, llvm::ArrayRef<InputSpec> inputs);
/// `folders` hold input_0.pb, input_1.pb, ...
Source openTensorFolders(std::vector<std::string> folders, llvm::ArrayRef<InputSpec> inputs);
Source openPictures(std::vector<std::string> files, llvm::ArrayRef<InputSpec> inputs, const ImageOptions &options);

} // namespace lathe::samples
