#include "compiler/import/DimExpression.h"
#include "dialects/support/Symbols.h"
#include <catch2/catch_test_macros.hpp>

using namespace mlir;
using namespace lathe::importer;

namespace {
struct Fixture {
  MLIRContext context;
  AffineExpr past = getAffineSymbolExpr(0, &context), seq = getAffineSymbolExpr(1, &context);
  llvm::StringMap<AffineExpr> dims{{"past.length", past}, {"seq", seq}};

  AffineExpr parse(llvm::StringRef text) { return parseDimExpression(text, dims, &context); }
};
} // namespace

TEST_CASE_METHOD(Fixture, "names of dimensions are read as expressions of other names") {
  CHECK(parse("past.length + seq") == lathe::simplifyDim(past + seq));
  CHECK(parse("2*(seq-1)") == lathe::simplifyDim((seq - 1) * 2));
  CHECK(parse("seq//4 * 4") == lathe::simplifyDim(seq.floorDiv(4) * 4));
}

TEST_CASE_METHOD(Fixture, "what is no expression stays a name") {
  for (const char *text :
       {"", "seq", "batch + seq", "batch-size", "seq +", "seq + + 1", "(seq + 1", "seq // past.length", "seq // 0",
        "seq ** 2", "Max(1, seq)", "seq + 99999999999999999999", "seq / 2"})
    CHECK(!parse(text));
  CHECK(!parse(std::string(100000, '(') + "seq+1"));
  CHECK(!parse(std::string(150, '(') + "seq+1"));
}
