// Samples from a folder of pictures.
#include "compiler/calibrate/Fit.h"
#include "compiler/calibrate/Picture.h"
#include "compiler/calibrate/Sources.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace lathe::samples {
namespace {

/// Where the parts of a picture go in the input.
struct Layout {
  bool isChannelsFirst = true;
  int64_t batch = 1, channels = 3, height = 0, width = 0;

  SmallVector<int64_t> shape() const {
    return isChannelsFirst ? SmallVector<int64_t>{batch, channels, height, width}
                           : SmallVector<int64_t>{batch, height, width, channels};
  }
  int64_t index(int64_t row, int64_t column, int64_t channel) const {
    return isChannelsFirst ? (channel * height + row) * width + column : (row * width + column) * channels + channel;
  }
};

bool isChannels(int64_t size) { return size == 1 || size == 3 || size == 4; }

/// The size of one side: the input's and the option's must agree.
Expected<int64_t> chooseSide(int64_t inputSize, int64_t option, StringRef side) {
  if (option < 0 || option > kMaxSide)
    return createStringError("expects an image " + side + " of 1 to " + Twine(kMaxSide) + ", got " + Twine(option));
  bool isDynamic = ShapedType::isDynamic(inputSize);
  if (isDynamic && option == 0)
    return createStringError("expects the image size to be given, since the input's " + side + " is not fixed");
  if (!isDynamic && option != 0 && option != inputSize)
    return createStringError("expects an image " + side + " of " + Twine(inputSize) + " as the input's, got " +
                             Twine(option));
  int64_t size = isDynamic ? option : inputSize;
  if (size < 1 || size > kMaxSide)
    return createStringError("expects an image " + side + " of 1 to " + Twine(kMaxSide) + ", got " + Twine(size));
  return size;
}

Expected<Layout> chooseLayout(ArrayRef<InputSpec> inputs, const ImageOptions &options) {
  if (inputs.size() != 1)
    return createStringError("expects a model with one input for pictures, got %zu", inputs.size());
  ArrayRef<int64_t> shape = inputs.front().type.getShape();
  if (shape.size() != 4 || (!isChannels(shape[1]) && !isChannels(shape[3])))
    return createStringError("expects input '" + inputs.front().name +
                             "' to be [N, C, H, W] or [N, H, W, C] with 1, 3 or 4 channels for pictures, got " +
                             shapeText(shape));
  Layout layout;
  layout.isChannelsFirst = isChannels(shape[1]);
  layout.batch = ShapedType::isDynamic(shape[0]) ? 1 : shape[0];
  layout.channels = shape[layout.isChannelsFirst ? 1 : 3];
  auto height = chooseSide(shape[layout.isChannelsFirst ? 2 : 1], options.height, "height");
  if (!height)
    return height.takeError();
  auto width = chooseSide(shape[layout.isChannelsFirst ? 3 : 2], options.width, "width");
  if (!width)
    return width.takeError();
  layout.height = *height;
  layout.width = *width;
  return layout;
}

/// One value per channel.
Expected<std::vector<double>> perChannel(ArrayRef<double> values, int64_t channels, double otherwise, StringRef name) {
  if (values.size() > 1 && int64_t(values.size()) != channels)
    return createStringError("expects an image " + name + " of 1 or " + Twine(channels) + " numbers, got " +
                             Twine(values.size()));
  for (double value : values)
    if (!std::isfinite(value) || (name == "std" && value <= 0))
      return createStringError("expects an image " + name + " of " + (name == "std" ? "positive" : "finite") +
                               " numbers, got " + numberText(value));
  if (values.size() == size_t(channels))
    return values.vec();
  return std::vector<double>(size_t(channels), values.empty() ? otherwise : values.front());
}

class PictureSamples : public SampleSource {
public:
  static Source open(std::vector<std::string> files, ArrayRef<InputSpec> inputs, const ImageOptions &options) {
    auto layout = chooseLayout(inputs, options);
    if (!layout)
      return layout.takeError();
    std::unique_ptr<PictureSamples> samples(new PictureSamples(inputs.front(), *layout));
    if (Error error = samples->setUp(std::move(files), options))
      return error;
    return samples;
  }

  size_t count() const override { return files.size() / size_t(layout.batch); }

  Expected<reference::Tensors> load(size_t index) override {
    MLIRContext *context = input.type.getContext();
    reference::Tensor tensor = reference::Tensor::allocate(RankedTensorType::get(layout.shape(), workingType(context)));
    for (int64_t i = 0; i < layout.batch; ++i) {
      const std::string &file = files[index * size_t(layout.batch) + size_t(i)];
      auto picture = readPicture(file, layout.channels);
      if (!picture)
        return at(file, picture.takeError());
      Picture resized = resize(std::move(*picture), layout.height, layout.width);
      if (isInteger())
        place(resized, tensor.mutableData<uint8_t>() + i * int64_t(resized.values.size()));
      else
        place(resized, tensor.mutableData<float>() + i * int64_t(resized.values.size()));
    }
    auto fitted = fitValues(std::move(tensor), input);
    if (!fitted)
      return at(files[index * size_t(layout.batch)] + ": input '" + input.name + "'", fitted.takeError());
    return reference::Tensors{std::move(*fitted)};
  }

private:
  PictureSamples(const InputSpec &input, const Layout &layout) : input(input), layout(layout) {}

  bool isInteger() const { return !isa<FloatType>(input.type.getElementType()); }
  Type workingType(MLIRContext *context) const {
    return isInteger() ? Type(IntegerType::get(context, 8, IntegerType::Unsigned)) : Float32Type::get(context);
  }

  Error setUp(std::vector<std::string> found, const ImageOptions &options) {
    files = std::move(found);
    if (Error error = checkShape(layout.shape(), input))
      return at("input '" + input.name + "'", std::move(error));
    if (files.size() % size_t(layout.batch) != 0)
      return createStringError("expects a multiple of " + Twine(layout.batch) + " pictures for input '" + input.name +
                               "', got " + Twine(files.size()));
    if (isInteger() && (!options.mean.empty() || !options.std.empty()))
      return createStringError("expects no image mean and std for input '" + input.name + "' of type " +
                               typeText(input.type.getElementType()));
    auto means = perChannel(options.mean, layout.channels, 0, "mean");
    if (!means)
      return means.takeError();
    auto deviations = perChannel(options.std, layout.channels, 1, "std");
    if (!deviations)
      return deviations.takeError();
    mean = std::move(*means);
    deviation = std::move(*deviations);
    return Error::success();
  }

  template <typename T> void place(const Picture &picture, T *out) const {
    const float *value = picture.values.data();
    for (int64_t row = 0; row < layout.height; ++row)
      for (int64_t column = 0; column < layout.width; ++column)
        for (int64_t channel = 0; channel < layout.channels; ++channel, ++value) {
          T &to = out[layout.index(row, column, channel)];
          if constexpr (std::is_same_v<T, float>)
            to = float((double(*value) / 255 - mean[size_t(channel)]) / deviation[size_t(channel)]);
          else
            to = T(std::lround(std::clamp(*value, 0.0f, 255.0f)));
        }
  }

  InputSpec input;
  Layout layout;
  std::vector<std::string> files;
  std::vector<double> mean, deviation;
};

} // namespace

Source openPictures(std::vector<std::string> files, ArrayRef<InputSpec> inputs, const ImageOptions &options) {
  return PictureSamples::open(std::move(files), inputs, options);
}

} // namespace lathe::samples
