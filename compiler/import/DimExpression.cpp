#include "compiler/import/DimExpression.h"
#include "dialects/support/Symbols.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe::importer {

namespace {
constexpr size_t kLongest = 200; // characters; bounds the depth of parentheses too

bool startsName(char c) { return llvm::isAlpha(c) || c == '_'; }
bool continuesName(char c) { return startsName(c) || llvm::isDigit(c) || c == '.'; }

/// Recursive descent; null expressions stand for failure.
///   sum = product (('+' | '-') product)*   product = atom (('*' | '//') atom)*   atom = integer | name | '(' sum ')'
class Parser {
public:
  Parser(StringRef text, const llvm::StringMap<AffineExpr> &dims, MLIRContext *context)
      : text(text), dims(dims), context(context) {}

  AffineExpr whole() {
    AffineExpr result = sum();
    return text.ltrim().empty() ? result : AffineExpr();
  }

private:
  bool take(StringRef token) {
    text = text.ltrim();
    return text.consume_front(token);
  }

  AffineExpr sum() {
    AffineExpr left = product();
    while (left) {
      bool isPlus = take("+");
      if (!isPlus && !take("-"))
        return left;
      AffineExpr right = product();
      left = !right ? AffineExpr() : isPlus ? left + right : left - right;
    }
    return {};
  }

  AffineExpr product() {
    AffineExpr left = atom();
    while (left) {
      bool isDivision = take("//");
      if (!isDivision && !take("*"))
        return left;
      AffineExpr right = atom();
      // Only divisors that can't be zero.
      if (!right || (isDivision && constantDim(right).value_or(0) <= 0))
        return {};
      left = isDivision ? left.floorDiv(right) : left * right;
    }
    return {};
  }

  AffineExpr atom() {
    if (take("(")) {
      AffineExpr inner = sum();
      return take(")") ? inner : AffineExpr();
    }
    text = text.ltrim();
    int64_t number;
    if (!text.empty() && llvm::isDigit(text.front()))
      return text.consumeInteger(10, number) ? AffineExpr() : dimConstant(context, number);
    if (text.empty() || !startsName(text.front()))
      return {};
    StringRef name = text.take_while(continuesName);
    text = text.drop_front(name.size());
    return dims.lookup(name);
  }

  StringRef text;
  const llvm::StringMap<AffineExpr> &dims;
  MLIRContext *context;
};
} // namespace

bool isPlainDimName(StringRef name) {
  return !name.empty() && startsName(name.front()) && llvm::all_of(name, continuesName);
}

bool looksLikeDimExpression(StringRef name) { return name.find_first_of("+-*/") != StringRef::npos; }

AffineExpr parseDimExpression(StringRef text, const llvm::StringMap<AffineExpr> &dims, MLIRContext *context) {
  if (text.size() > kLongest || !looksLikeDimExpression(text))
    return {};
  AffineExpr result = Parser(text, dims, context).whole();
  return result ? simplifyDim(result) : AffineExpr();
}

} // namespace lathe::importer
