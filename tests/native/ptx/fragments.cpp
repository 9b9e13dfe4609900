// Matrices that a warp holds together: which lane has which numbers (the PTX ISA manual, "Matrix Fragments for
// mma.m16n8k16", "... mma.m16n8k8" and "ldmatrix").
#include "block.h"
#include "numbers.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

constexpr int kRows = 16, kColumns = 8, kMaxDepth = 16;

// Every product is added by itself, rounded once, in the order of k: the manual asks for no less than the precision of a
// float, and for no order.
TY_WITH_FMA void multiplyMatrices(const float* a, const float* b, float* d, int depth) {
  for (int k = 0; k < depth; k++) {
    for (int row = 0; row < kRows; row++) {
      const float factor = a[row * kMaxDepth + k];
      for (int column = 0; column < kColumns; column++)
        d[row * kColumns + column] = std::fma(factor, b[k * kColumns + column], d[row * kColumns + column]);
    }
  }
}

struct Half {
  static constexpr int kDepth = 16;
  static float of(uint32_t bits) { return halfToFloat(static_cast<uint16_t>(bits)); }
};
struct Bfloat {
  static constexpr int kDepth = 16;
  static float of(uint32_t bits) { return bfloatToFloat(static_cast<uint16_t>(bits)); }
};
struct Tf32 {
  static constexpr int kDepth = 8;
  static float of(uint32_t bits) { return tf32ToFloat(bits); }
};

// Operands: d 0-3, a 4-7, b 8-9, c 10-13.
template <class Number>
void multiply(Warp& w, const Instruction& i) {
  constexpr int kPerWord = Number::kDepth / 8;  // numbers of a register
  constexpr int kBits = 32 / kPerWord;
  float a[kRows * kMaxDepth], b[kMaxDepth * kColumns], d[kRows * kColumns];
  for (int lane = 0; lane < kLanes; lane++) {
    const int group = lane >> 2, inGroup = lane % 4;
    // a: registers 0 and 2 have row `group`, 1 and 3 the row 8 further; 2 and 3 the second half of the columns.
    for (int r = 0; r < 4; r++) {
      const uint32_t bits = w.row<uint32_t>(i, 4 + r)[lane];
      const int row = r == 0 || r == 2 ? group : group + 8;
      for (int n = 0; n < kPerWord; n++) {
        const int column = inGroup * kPerWord + n + (r >= 2 ? Number::kDepth / 2 : 0);
        a[row * kMaxDepth + column] = Number::of(bits >> (n * kBits % 32));
      }
    }
    for (int r = 0; r < 2; r++) {
      const uint32_t bits = w.row<uint32_t>(i, 8 + r)[lane];
      for (int n = 0; n < kPerWord; n++) {
        const int row = inGroup * kPerWord + n + (r == 1 ? Number::kDepth / 2 : 0);
        b[row * kColumns + group] = Number::of(bits >> (n * kBits % 32));
      }
    }
    for (int r = 0; r < 4; r++) {
      const int row = r < 2 ? group : group + 8, column = inGroup * 2 + (r & 1);
      d[row * kColumns + column] = w.row<float>(i, 10 + r)[lane];
    }
  }
  multiplyMatrices(a, b, d, Number::kDepth);
  if (w.block->traffic) w.block->traffic->products++;
  for (int lane = 0; lane < kLanes; lane++) {
    const int group = lane >> 2, inGroup = lane % 4;
    for (int r = 0; r < 4; r++) {
      const int row = r < 2 ? group : group + 8, column = inGroup * 2 + (r & 1);
      w.row<float>(i, r)[lane] = canonical(d[row * kColumns + column]);
    }
  }
}

// Operands: 0-3, and an address, of which lanes 8q to 8q + 7 give those of the rows of matrix q.
template <bool isTransposed>
void loadMatrices(Warp& w, const Instruction& i) {
  w.block->countShared(w, i, 4, 16);
  for (int q = 0; q < 4; q++) {
    uint16_t matrix[8][8];
    for (int row = 0; row < 8; row++) {
      const int lane = 8 * q + row;
      std::memcpy(matrix[row], w.block->sharedByWarp(w, lane, w.address(i, 4, lane), 16), 16);
    }
    auto* out = w.row<uint32_t>(i, q);
    for (int lane = 0; lane < kLanes; lane++) {
      const int outer = lane / 4, inner = lane % 4 * 2;
      const uint32_t low = isTransposed ? matrix[inner][outer] : matrix[outer][inner];
      const uint32_t high = isTransposed ? matrix[inner + 1][outer] : matrix[outer][inner + 1];
      out[lane] = low | high << 16;
    }
  }
}

}  // namespace

void addFragments(Opcodes& o) {
  const char *operands = "4i4i2i4i", *matrices = "ldmatrix.sync.aligned.m8n8.x4";
  o["mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"] = {operands, multiply<Half>, nullptr, Flow::whole};
  o["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"] = {operands, multiply<Bfloat>, nullptr, Flow::whole};
  o["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"] = {operands, multiply<Tf32>, nullptr, Flow::whole};
  o[std::string(matrices) + ".shared.b16"] = {"4im", loadMatrices<false>, nullptr, Flow::whole, Space::shared, 16};
  o[std::string(matrices) + ".trans.shared.b16"] = {"4im", loadMatrices<true>, nullptr, Flow::whole, Space::shared, 16};
}

}  // namespace ptx
}  // namespace trainyard
