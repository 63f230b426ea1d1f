// How tuning chooses between own plans and a library's: a made-up library takes the place of oneDNN.
#include "compiler/tune/Tuner.h"
#include "backends/onednn/ProviderBackend.h"
#include "dialects/nn/NN.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace lathe;
using Catch::Matchers::StartsWith;

namespace {

enum class Manner { instant, slow, fails, refuses };

struct Counts {
  std::atomic<int> prepared = 0, runs = 0, misplaced = 0;
};

class FakeCall : public MeasuredCall {
public:
  FakeCall(Manner manner, Counts &counts) : manner(manner), counts(counts) {}

  bool run(void *const *args, int64_t begin, int64_t end, void *scratch) const override {
    ++counts.runs;
    auto isAligned = [](const void *memory) {
      return reinterpret_cast<uintptr_t>(memory) % LATHE_BUFFER_ALIGNMENT == 0;
    };
    counts.misplaced += !isAligned(args[0]) || !isAligned(args[1]) || !isAligned(args[2]) || !isAligned(scratch);
    static_cast<float *>(args[1])[packedBytes() / sizeof(float) - 1] = 1; // is there so much?
    static_cast<char *>(scratch)[scratchBytes() - 1] = 1;
    if (manner == Manner::slow)
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return manner != Manner::fails;
  }
  int64_t scratchBytes() const override { return 1 << 20; }
  int64_t packedBytes() const override { return 1 << 20; }

private:
  Manner manner;
  Counts &counts;
};

class FakeLibrary : public MeasuredLibrary {
public:
  explicit FakeLibrary(Manner manner) : manner(manner) {}

  llvm::Expected<std::unique_ptr<MeasuredCall>> prepare(const artifact::LibraryKernelT &kernel,
                                                        unsigned argCount) const override {
    ++counts.prepared;
    counts.misplaced += argCount != 3;
    if (manner == Manner::refuses)
      return llvm::createStringError(std::errc::not_supported, "no such product");
    return std::make_unique<FakeCall>(manner, counts);
  }

  mutable Counts counts;

private:
  Manner manner;
};

constexpr const char *product = R"(
func.func @f(%x: tensor<512x512xf32>) -> tensor<512x256xf32> {
  %w = nn.constant dense<0.5> : tensor<512x256xf32>
  %r = nn.matmul %x, %w : (tensor<512x512xf32>, tensor<512x256xf32>) -> tensor<512x256xf32>
  return %r : tensor<512x256xf32>
}
)";

/// A program with a product, and what is known of it.
class Program {
public:
  Program() {
    context.loadDialect<mlir::func::FuncDialect, nn::NNDialect, plan::PlanDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(product, &context);
    REQUIRE(module);
    function = *module->getOps<mlir::func::FuncOp>().begin();
  }

  /// Measures, then says which plan is taken. `library` may be null.
  std::string tuned(const MeasuredLibrary *library, unsigned threads = 1, Provider provider = Provider::either) {
    return choice(provider, threads, [&](Tuner &tuner) {
      if (library)
        tuner.measureWith(*library);
      auto deadline = Tuner::Clock::now() + std::chrono::hours(1);
      REQUIRE(succeeded(tuner.measure(function, deadline, [](size_t, size_t) {})));
    });
  }

  std::string known(Provider provider = Provider::either) {
    return choice(provider, 1, [](Tuner &) {});
  }

  template <class Prepare> std::string choice(Provider provider, unsigned threads, Prepare prepare) {
    auto backend = withProvider(createX86Backend(), provider);
    Tuner tuner(*backend, target, threads, database);
    prepare(tuner);
    mlir::Operation *op = &*std::next(function.front().begin());
    auto plan = tuner.choose(op, {false, true});
    REQUIRE(succeeded(plan));
    record = tuner.records().front();
    CHECK(choiceText(*plan) == record.choice);
    return record.choice;
  }

  const TuningEntry *entry(bool isLibrary) {
    return database.find({target.cpu + " " + target.isa(), 1, record.operation, isLibrary});
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  Target target = llvm::cantFail(Target::parse("native"));
  TuningDatabase database;
  ChoiceRecord record;
};

} // namespace

TEST_CASE("a library that is faster is taken, and has a line beside the own plan's") {
  Program program;
  if (program.target.vectorBits() < 256)
    SKIP("no plans to choose from on this CPU");
  FakeLibrary library(Manner::instant);
  CHECK_THAT(program.tuned(&library), StartsWith("onednn_matmul rows="));
  CHECK(program.record.source == ChoiceRecord::measured);
  CHECK(library.counts.runs > 10);
  CHECK(library.counts.misplaced == 0);
  REQUIRE(program.entry(true));
  REQUIRE(program.entry(false));
  CHECK_THAT(program.entry(false)->choice, StartsWith("gemm "));
  CHECK(program.entry(true)->timeUs < program.entry(true)->modelTimeUs);

  // The database says the same later, but not to those who want no library.
  program.database = llvm::cantFail(TuningDatabase::parse(program.database.toText(), "test.txt"));
  CHECK_THAT(program.known(), StartsWith("onednn_matmul rows="));
  CHECK(program.record.source == ChoiceRecord::database);
  CHECK(program.known(Provider::lathe) == program.entry(false)->choice);
  CHECK(program.record.note == "");
  CHECK(program.choice(Provider::either, 1, [](Tuner &tuner) { tuner.leaveOutLibrary(); }) ==
        program.entry(false)->choice);

  // Nothing is measured twice; without own lines, only own plans are.
  int prepared = library.counts.prepared;
  program.tuned(&library);
  CHECK(library.counts.prepared == prepared);
  TuningDatabase one;
  one.set({program.target.cpu + " " + program.target.isa(), 1, program.record.operation}, *program.entry(true));
  program.database = one;
  program.tuned(&library);
  CHECK(library.counts.prepared == prepared);
  CHECK(program.entry(false));
}

TEST_CASE("a library that is slower, fails or refuses leaves the own plan") {
  Program program;
  if (program.target.vectorBits() < 256)
    SKIP("no plans to choose from on this CPU");
  FakeLibrary slow(Manner::slow), failing(Manner::fails), refusing(Manner::refuses);
  CHECK_THAT(program.tuned(&failing), StartsWith("gemm "));
  CHECK(failing.counts.runs > 0);
  CHECK(!program.entry(true));
  CHECK_THAT(program.tuned(&refusing), StartsWith("gemm "));
  CHECK(program.record.note == "no such product");
  CHECK(!program.entry(true));
  CHECK_THAT(program.tuned(&slow), StartsWith("gemm "));
  REQUIRE(program.entry(true)); // so that it isn't measured again
  CHECK(program.entry(true)->timeUs > 30000);
  CHECK_THAT(program.tuned(nullptr), StartsWith("gemm "));
}

TEST_CASE("a library is measured on several threads, with tasks enough for them") {
  Program program;
  if (program.target.vectorBits() < 256)
    SKIP("no plans to choose from on this CPU");
  FakeLibrary library(Manner::instant);
  program.tuned(&library, 2); // which of them is faster depends on who else wants the CPUs
  CHECK(library.counts.runs > 10);
  CHECK(library.counts.misplaced == 0);
  auto hasFourTasks = [](const ChoiceRecord::Time &time) { return time.choice == "onednn_matmul rows=128"; };
  CHECK(llvm::none_of(program.record.times, hasFourTasks));
  program.tuned(&library, 1);
  CHECK(llvm::any_of(program.record.times, hasFourTasks));
}
