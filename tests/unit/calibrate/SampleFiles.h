// Files of calibration data for the tests, in a folder that is removed afterwards.
#pragma once

#include "compiler/calibrate/Samples.h"
#include "mlir/IR/MLIRContext.h"
#include <string>
#include <utility>
#include <vector>

namespace lathe::test {

/// NumPy's type code ("<f4"), sizes, the elements' bytes.
struct Array {
  std::string code;
  std::vector<int64_t> shape;
  std::string data;
  bool isFortranOrder = false;
};

/// The bytes of values, as they are in memory.
template <typename T> std::string bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}
/// 0, 1, 2, ... of as many elements as the shape says.
Array countUp(std::vector<int64_t> shape);
Array floats(std::vector<int64_t> shape, const std::vector<float> &values);
Array longs(std::vector<int64_t> shape, const std::vector<int64_t> &values);

std::string npy(const Array &array);

struct Member {
  std::string name, bytes;
  bool isDeflated = false;
};

class Files {
public:
  Files();
  ~Files();

  std::string path(const std::string &name) const { return folder + "/" + name; }
  /// Makes the folders above, writes, gives the path.
  std::string write(const std::string &name, const std::string &bytes) const;
  std::string zip(const std::string &name, const std::vector<Member> &members) const;
  /// An .npz as numpy.savez (or savez_compressed) writes it.
  std::string npz(const std::string &name, const std::vector<std::pair<std::string, Array>> &arrays,
                  bool isDeflated = false) const;
  static std::string read(const std::string &path);

private:
  std::string folder;
};

/// Opens samples and reads them.
struct Fixture {
  mlir::MLIRContext context;
  Files files;

  static constexpr int64_t any = mlir::ShapedType::kDynamic;
  mlir::Type f32() { return mlir::Float32Type::get(&context); }
  mlir::Type i64() { return mlir::IntegerType::get(&context, 64); }
  InputSpec input(const std::string &name, std::vector<int64_t> shape, mlir::Type type);
  InputSpec input(const std::string &name, std::vector<int64_t> shape) { return input(name, shape, f32()); }

  /// Fails the test with the message.
  std::unique_ptr<SampleSource> open(const std::string &path, const std::vector<InputSpec> &inputs,
                                     const ImageOptions &images = {});
  reference::Tensors load(SampleSource &samples, size_t index);
  /// What opening complains about, the folder of the files left out; empty if nothing.
  std::string openError(const std::string &path, const std::vector<InputSpec> &inputs, const ImageOptions &images = {});
  std::string loadError(SampleSource &samples, size_t index);

private:
  std::string clean(std::string message) const;
};

/// The elements of a tensor.
template <typename T> std::vector<T> valuesOf(const reference::Tensor &tensor) {
  return {tensor.data<T>(), tensor.data<T>() + tensor.size()};
}

} // namespace lathe::test
