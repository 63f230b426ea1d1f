#include "compiler/capi/MeasuredOneDnn.h"
#include "runtime/src/library/LibraryCall.h"
#include "runtime/src/support/Error.h"

namespace lathe {

namespace {

llvm::Error asError(const runtime::Error &error) {
  return llvm::createStringError(std::errc::not_supported, "%s", error.message.c_str());
}

class Call : public MeasuredCall {
public:
  Call(std::shared_ptr<const runtime::OneDnn> library, const artifact::LibraryKernelT &kernel, unsigned argCount)
      : buffer(serialized(kernel)),
        call(std::move(library), *flatbuffers::GetRoot<artifact::LibraryKernel>(buffer.data()), argCount - 1, nullptr) {
  }

  bool run(void *const *args, int64_t begin, int64_t end, void *scratch) const override {
    return call.run(args, begin, end, scratch) == 0;
  }
  int64_t scratchBytes() const override { return int64_t(call.scratchBytes()); }
  int64_t packedBytes() const override { return int64_t(call.packedBytes()); }

private:
  static flatbuffers::DetachedBuffer serialized(const artifact::LibraryKernelT &kernel) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(artifact::LibraryKernel::Pack(builder, &kernel));
    return builder.Release();
  }

  const flatbuffers::DetachedBuffer buffer; // the call reads its kernel there
  const runtime::LibraryCall call;
};

class Library : public MeasuredLibrary {
public:
  explicit Library(std::shared_ptr<const runtime::OneDnn> opened) : opened(std::move(opened)) {}

  llvm::Expected<std::unique_ptr<MeasuredCall>> prepare(const artifact::LibraryKernelT &kernel,
                                                        unsigned argCount) const override try {
    return std::make_unique<Call>(opened, kernel, argCount);
  } catch (const runtime::Error &error) {
    return asError(error);
  }

private:
  std::shared_ptr<const runtime::OneDnn> opened;
};

} // namespace

llvm::Expected<std::unique_ptr<MeasuredLibrary>> openMeasuredOneDnn() try {
  return std::make_unique<Library>(runtime::OneDnn::open("--provider auto"));
} catch (const runtime::Error &error) {
  return asError(error);
}

} // namespace lathe
