#include "compiler/driver/QuantizeModel.h"
#include "compiler/calibrate/Calibration.h"
#include "compiler/driver/LoadModel.h"
#include "compiler/driver/OutputFile.h"
#include "compiler/driver/Phase.h"
#include "compiler/driver/Quantization.h"
#include "compiler/export/QuantizeGraph.h"
#include "compiler/export/StoreTensors.h"
#include "compiler/import/CheckModel.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace lathe {

namespace {

using exporter::kAxisOpset, exporter::kBlockOpset, exporter::kDynamicOpset;
constexpr int64_t kLeastFormat = 7, kNarrowFormat = 10;
constexpr uint64_t kLargestModel = (uint64_t(1) << 31) - (1 << 20); // protobuf's limit, less what lengths take

/// What a mode needs at least; single nodes may need more.
int64_t opsetOf(StringRef mode) {
  return mode.starts_with("int4") ? kBlockOpset : mode == "int8-dynamic" ? kDynamicOpset : kAxisOpset;
}

CompileOptions withMode(CompileOptions options) {
  if (options.quantize.empty() && options.precisionsPath.empty())
    options.quantize = options.calibratePath.empty() ? "int8-dynamic" : "int8";
  return options;
}

class ModelQuantization {
public:
  explicit ModelQuantization(const CompileOptions &given)
      : options(withMode(given)), messages(&context, options.modelPath), backend(createX86Backend()),
        quantization(options, *backend, noTargets), opset(opsetOf(options.quantize)) {
    prepareContext(context);
  }

  CompileStatus run();

private:
  bool check();
  bool open();
  bool import();
  bool insert();
  bool rewrite();
  bool write();
  llvm::Expected<std::vector<nn::ByteGrid>> measure(func::FuncOp function, ArrayRef<Value> points);
  bool timed(StringRef phase, bool (ModelQuantization::*run)());
  bool fail(CompileStatus::Code code, const Twine &message);
  bool failWith(llvm::Error error, CompileStatus::Code otherwise = CompileStatus::badModel);

  const CompileOptions options;
  MLIRContext context;
  Messages messages;
  std::unique_ptr<Backend> backend;
  const std::vector<Target> noTargets; // the file is for any processor
  Quantization quantization;
  int64_t opset; // of ONNX's operators that are written
  OutputFile output;
  std::unique_ptr<importer::ModelFile> file;
  std::unique_ptr<exporter::GraphQuantizer> quantizer;
  OwningOpRef<ModuleOp> module;
  CompileStatus status;
};

bool ModelQuantization::fail(CompileStatus::Code code, const Twine &message) {
  messages.error(message);
  status.code = code;
  return false;
}

bool ModelQuantization::failWith(llvm::Error error, CompileStatus::Code otherwise) {
  return lathe::fail(messages, status, std::move(error), otherwise);
}

bool ModelQuantization::check() {
  if (options.outputPath.empty())
    return fail(CompileStatus::badUsage, "expects an output file");
  if (llvm::Error error = quantization.prepare())
    return failWith(std::move(error), CompileStatus::badEnvironment);
  if (std::error_code error = output.open(options.outputPath))
    return fail(CompileStatus::badEnvironment, "can't write '" + options.outputPath + "': " + error.message());
  return true;
}

bool ModelQuantization::open() {
  auto opened =
      options.modelData.empty()
          ? importer::ModelFile::open(options.modelPath)
          : importer::ModelFile::fromBytes(options.modelData, options.modelPath.empty() ? "model" : options.modelPath);
  if (!opened) {
    bool isThere = !options.modelData.empty() || llvm::sys::fs::is_regular_file(options.modelPath);
    return fail(isThere ? CompileStatus::badModel : CompileStatus::badEnvironment, llvm::toString(opened.takeError()));
  }
  file = std::move(*opened);
  if (llvm::Error error = file->inlineProducts())
    return failWith(std::move(error));
  if (llvm::Error error = file->raiseOpset(opset))
    return failWith(std::move(error));
  return true;
}

bool ModelQuantization::import() {
  quantizer = std::make_unique<exporter::GraphQuantizer>(*file, &context);
  if (options.study)
    options.study->outputs = size_t(file->model().graph().output_size());
  quantizer->expose();
  module = importModelFile(*file, {}, &context);
  if (!module)
    return false;
  PassManager passes(&context);
  buildCanonicalPipeline(passes);
  return succeeded(passes.run(*module));
}

bool ModelQuantization::insert() {
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  if (llvm::Error error = quantization.run(function))
    return failWith(std::move(error), quantization.failureCode());
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(createFoldConstants());
  return succeeded(passes.run(*module));
}

/// Ranges of values that the compiler quantizes in another form, such as before a scale that it moved into weights.
llvm::Expected<std::vector<nn::ByteGrid>> ModelQuantization::measure(func::FuncOp function, ArrayRef<Value> points) {
  if (points.empty())
    return std::vector<nn::ByteGrid>();
  auto samples = quantization.openSamples(function);
  if (!samples)
    return samples.takeError();
  auto whole = llvm::map_to_vector(points, [](Value value) { return CalibrationPoint{value, 0, {}}; });
  auto ranges = calibrate(function, whole, **samples, *backend, *parseRangeMethod(options.calibrateMethod),
                          quantization.tapOptions());
  if (!ranges)
    return ranges.takeError();
  std::vector<nn::ByteGrid> result;
  for (const Range &one : *ranges)
    result.push_back(nn::byteGridOf({one.low, one.high}));
  return result;
}

bool ModelQuantization::rewrite() {
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  std::vector<exporter::QuantizedOperation> operations = exporter::quantizedOperations(function);
  int64_t needed = opset;
  for (const exporter::QuantizedOperation &operation : operations)
    needed = std::max(needed, operation.opset());
  if (needed > opset) { // known only now: once more with a newer model
    opset = needed;
    return open() && import() && insert() && rewrite();
  }
  quantizer->match(operations, function);
  auto ranges = measure(function, quantizer->unknownRanges());
  if (!ranges)
    return failWith(ranges.takeError());
  quantizer->setRanges(*ranges);
  if (quantizer->rewrite() == 0)
    messages.warning("no node was quantized");
  if (!quantizer->left().empty())
    messages.warning("stay as they are, since their weights are no plain constants of the model: " +
                     llvm::join(quantizer->left(), ", "));
  onnx::ModelProto &model = file->mutableModel();
  int64_t format = opset >= kBlockOpset ? kNarrowFormat : kLeastFormat;
  model.set_ir_version(std::max(model.ir_version(), format));
  if (llvm::Error error = importer::checkModel(model))
    return failWith(llvm::createStringError("the quantized model is not valid: " + llvm::toString(std::move(error))));
  return true;
}

bool ModelQuantization::write() {
  auto io = [&](const Twine &path, std::error_code error) {
    return !error || fail(CompileStatus::badEnvironment, "can't write '" + path + "': " + error.message());
  };
  std::string dataPath = options.outputPath + ".data";
  auto outer = exporter::storeTensors(*file, llvm::sys::path::filename(dataPath), kLargestModel);
  if (!outer)
    return failWith(outer.takeError());
  auto writeData = [&](llvm::raw_ostream &out) {
    uint64_t written = 0;
    for (const exporter::OuterTensor &tensor : *outer) {
      out.write_zeros(unsigned(tensor.offset - written));
      StringRef bytes =
          tensor.own.empty() ? StringRef(tensor.bytes.bytes.data(), tensor.bytes.bytes.size()) : StringRef(tensor.own);
      out << bytes;
      written = tensor.offset + bytes.size();
    }
  };
  if (!outer->empty()) {
    OutputFile data;
    if (!io(dataPath, data.open(dataPath)) || !io(dataPath, data.finishWith(writeData)))
      return false;
  }
  std::string bytes;
  if (!file->model().SerializeToString(&bytes))
    return fail(CompileStatus::badModel, "the quantized model is larger than 2 GiB without its weights");
  return io(options.outputPath, output.finish(bytes));
}

bool ModelQuantization::timed(StringRef phase, bool (ModelQuantization::*run)()) {
  return timePhase(options, phase, [&] { return (this->*run)() && !messages.hasErrors(); }).has_value();
}

CompileStatus ModelQuantization::run() {
  bool isOk = check() && timed("read", &ModelQuantization::open) && timed("import", &ModelQuantization::import) &&
              timed("quantize", &ModelQuantization::insert) && timed("rewrite", &ModelQuantization::rewrite) &&
              timed("write", &ModelQuantization::write);
  if (!isOk && status.code == CompileStatus::success)
    status.code = CompileStatus::badModel;
  status.messages = messages.take();
  return std::move(status);
}

} // namespace

CompileStatus quantizeModel(const CompileOptions &options) { return ModelQuantization(options).run(); }

} // namespace lathe
