// Weights whose products are summed in i16.
#include "backends/x86/ChainSplit.h"
#include <catch2/catch_test_macros.hpp>
#include <random>

TEST_CASE("chains are split until sums of products with unsigned bytes fit i16", "[integer]") {
  using lathe::x86::splitChain;
  std::mt19937 random(3);
  for (int64_t columns : {1, 3, 8})
    for (int most : {20, 63, 90}) {
      std::vector<int8_t> weights(2 * columns * 4);
      for (int8_t &weight : weights)
        weight = int8_t(int(random() % (2 * unsigned(most) + 1)) - most);
      std::vector<int8_t> rest = weights;
      auto extras = splitChain(rest.data(), columns, 2);
      REQUIRE(extras.has_value());
      std::vector<int> whole(rest.begin(), rest.end());
      for (const auto &extra : *extras)
        for (size_t i = 0; i < extra.weights.size(); ++i)
          whole[size_t(extra.number * columns * 4) + i] += extra.weights[i];
      CHECK(whole == std::vector<int>(weights.begin(), weights.end()));
      for (int64_t cell = 0; cell < columns * 4; cell += 2)
        for (int sign : {1, -1}) {
          int sum = 0;
          for (int64_t i : {cell, cell + 1, columns * 4 + cell, columns * 4 + cell + 1})
            sum += std::max(sign * rest[size_t(i)], 0);
          CHECK(sum * 255 <= 32767);
        }
      CHECK((most > 20 || extras->empty()));
    }
  std::vector<int8_t> large(8, -128);
  CHECK(!splitChain(large.data(), 1, 2).has_value());
}
