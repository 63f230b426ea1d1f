#include "tests/ulp/Functions.h"

#include <cmath>
#include <limits>

namespace lathe::test {

namespace {
constexpr double kAll = std::numeric_limits<double>::infinity();

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
// At minus infinity these are infinity times zero by ONNX's definitions: NaN.
double gelu(double x) { return 0.5 * x * std::erfc(-x * M_SQRT1_2); }
double geluTanh(double x) { return x * sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
double swish(double x) { return x * sigmoid(x); }
double mish(double x) { return x * std::tanh(softplus(x)); }
double elu(double x) { return x > 0 ? x : std::expm1(x); }

constexpr VectorFunction kFunctions[] = {
    {"exp", std::exp, -kAll, kAll, 1.5},
    {"log", std::log, -kAll, kAll, 1},
    {"sin", std::sin, -1e6, 1e6, 2},
    {"cos", std::cos, -1e6, 1e6, 2},
    {"tan", std::tan, -1e6, 1e6, 1},
    {"asin", std::asin, -kAll, kAll, 1},
    {"acos", std::acos, -kAll, kAll, 1},
    {"atan", std::atan, -kAll, kAll, 1},
    {"sinh", std::sinh, -kAll, kAll, 1},
    {"cosh", std::cosh, -kAll, kAll, 1},
    {"tanh", std::tanh, -kAll, kAll, 2},
    {"asinh", std::asinh, -kAll, kAll, 1},
    {"acosh", std::acosh, -kAll, kAll, 1},
    {"atanh", std::atanh, -kAll, kAll, 1},
    {"erf", std::erf, -kAll, kAll, 3},
    {"sigmoid", sigmoid, -kAll, kAll, 3, 0, 0x1p-126},
    {"gelu", gelu, -kAll, kAll, 3.5, 1},
    {"gelu_tanh", geluTanh, -kAll, kAll, 3, 1},
    {"swish {alpha = 1.0 : f64}", swish, -kAll, kAll, 3, 0, 0x1p-119},
    {"mish", mish, -kAll, kAll, 4.5, 0, 0x1p-119},
    {"softplus", softplus, -kAll, kAll, 3, 0, 0x1p-126},
    {"elu {alpha = 1.0 : f64}", elu, -kAll, kAll, 2},
};
} // namespace

std::span<const VectorFunction> vectorFunctions() { return kFunctions; }

} // namespace lathe::test
