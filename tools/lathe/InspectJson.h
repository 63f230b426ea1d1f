//===- InspectJson.h - what an artifact is made of --------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_INSPECTJSON_H
#define LATHE_TOOLS_LATHE_INSPECTJSON_H

#include "tools/lathe/Model.h"

#include <nlohmann/json.hpp>

namespace lathe::cli {

/// Everything about a model. Sizes in bytes are those at `sizes`, which the
/// entry "at" names.
nlohmann::ordered_json describe(const Model &model, const Sizes &sizes);

/// The same of the model in a file and, unless null, what `lathe bench --profile` measured: at its sizes if
/// none are given. Throws Failure.
nlohmann::ordered_json describeMeasured(const std::string &path, const nlohmann::ordered_json &profile,
                                        const SizeOptions &sizes);

/// An expression in common notation: "2 * seq + 1".
std::string formatExpr(const artifact::Program &program, uint32_t expr);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_INSPECTJSON_H
