// A model's tensors as they are stored in files: inside of the model, or, where that would be too large, beside it.
#pragma once

#include "compiler/import/ModelFile.h"
#include <functional>

namespace lathe::exporter {

/// The bytes of tensors that don't fit into the model: each `offset` bytes from the beginning of the data file, in order.
struct OuterTensor {
  uint64_t offset;
  importer::TensorBytes bytes;
  std::string own; // the bytes, if the tensor held them itself
};

/// Makes the model whole: initializers get the elements that stayed in mapped files. If it would exceed `limitBytes`, the large
/// ones move to a data file called `dataName`, and are given back. Error: a tensor's data are missing.
llvm::Expected<std::vector<OuterTensor>> storeTensors(importer::ModelFile &file, llvm::StringRef dataName,
                                                      uint64_t limitBytes);

} // namespace lathe::exporter
