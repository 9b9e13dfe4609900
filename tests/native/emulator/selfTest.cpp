// Kernels with a mistake each, which the emulator must find whatever the order of threads, and one without.
#include "selfTest.h"

#include <map>

#include "cuda/layer/layer.h"

namespace trainyard {
namespace gpu {
namespace {

constexpr int kThreads = 64;
alignas(16) const float kSource[4 * kThreads] = {};

alignas(16) const float kOnes[4] = {1, 1, 1, 1};

// Small whole numbers, of which products and sums are exact in every precision.
int numberA(int row, int k) { return (row * 5 + k * 3) % 11 - 5; }
int numberB(int k, int column) { return (k * 7 + column * 2) % 9 - 4; }

// 16 × 8 = (16 × 16)·(16 × 8), A stored as it is and k × 16; B as it is and 8 × k.
template <class T>
void checkProduct(Thread& t) {
  const Shared<T> a = t.shared<T>(4096 * t.warp()), aTransposed = a + 256, b = a + 512, bTransposed = a + 640;
  const auto put = [](Ref<T> to, int x) {
    T value;
    fromFloat(static_cast<float>(x), &value);
    to = value;
  };
  for (int i = t.lane(); i < 256; i += 32) {
    put(a[i], numberA(i / 16, i % 16));
    put(aTransposed[i], numberA(i % 16, i / 16));
  }
  for (int i = t.lane(); i < 128; i += 32) {
    put(b[i], numberB(i / 8, i % 8));
    put(bTransposed[i], numberB(i % 16, i / 16));
  }
  t.syncWarp();
  const int r = t.lane() % 8, q = t.lane() / 8;
  for (int i = 0; i < 4; i++) {
    uint32_t fa[4], fb[4];
    if (i % 2 == 0) t.loadMatrices(a + ((r + q % 2 * 8) * 16 + q / 2 * 8), fa);
    else t.loadMatricesTransposed(aTransposed + ((r + q / 2 * 8) * 16 + q % 2 * 8), fa);
    // The upper two matrices are the lower ones again.
    if (i / 2 == 0) t.loadMatrices(bTransposed + (r * 16 + q % 2 * 8), fb);
    else t.loadMatricesTransposed(b + ((r + q % 2 * 8) * 8), fb);
    const uint32_t two[2] = {fb[0], fb[1]};
    float d[4] = {1, 1, 1, 1};
    t.multiply<T>(d, fa, two);
    for (int j = 0; j < 4; j++) {
      int expected = 1;
      for (int k = 0; k < 16; k++) expected += numberA(t.lane() / 4 + j / 2 * 8, k) * numberB(k, t.lane() % 4 * 2 + j % 2);
      if (d[j] != static_cast<float>(expected)) throw KernelError("the product is wrong");
    }
  }
}

// The same of floats, 8 deep; their fractions are rounded.
void checkTf32(Thread& t) {
  const int row = t.lane() / 4, part = t.lane() % 4;
  const auto bitsOf = [](float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return roundTf32(bits);
  };
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; i++)
    a[i] = bitsOf(static_cast<float>(numberA(row + i % 2 * 8, part + i / 2 * 4)) * (1.0f + 1.0f / 4096));
  for (int i = 0; i < 2; i++) b[i] = bitsOf(static_cast<float>(numberB(part + i * 4, row)));
  float d[4] = {};
  t.multiply<float>(d, a, b);
  for (int j = 0; j < 4; j++) {
    int expected = 0;
    for (int k = 0; k < 8; k++) expected += numberA(row + j / 2 * 8, k) * numberB(k, part * 2 + j % 2);
    if (d[j] != static_cast<float>(expected)) throw KernelError("the product is wrong");
  }
}

using Body = void (*)(Thread&);

const std::map<std::string, Body>& kernels() {
  static const std::map<std::string, Body> all = {
      {"right",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0), copies = values + kThreads, scratch = copies + 4 * kThreads;
         t.copyAsync(copies + 4 * t.index(), kSource + 4 * t.index(), 16);
         t.commitCopies();
         values[t.index()] = static_cast<float>(t.index());
         t.waitCopies<0>();
         t.sync();
         const int next = (t.index() + 1) % kThreads;
         const float sum = blockSum(t, values[next] + copies[4 * next], scratch);
         const float largest = blockMax(t, values[t.index()], scratch);
         if (sum != kThreads * (kThreads - 1) / 2 || largest != kThreads - 1) throw KernelError("the sums are wrong");
         values[t.index()] = -1.0f;
         t.syncWarp();
         const float other = values[t.index() ^ 1];
         if (other != -1.0f) throw KernelError("a neighbor was not seen");
       }},
      {"readWithoutBarrier",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0);
         values[t.index()] = 0.0f;
         t.sync();
         values[t.index()] = 1.0f;
         (void)static_cast<float>(values[(t.index() + 32) % kThreads]);
       }},
      {"shuffleForBarrier",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0);
         values[t.index()] = 1.0f;
         t.shuffleXor(0, 1);
         (void)static_cast<float>(values[t.index() ^ 1]);
       }},
      {"writeBehindReads",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0);
         if (t.index() == 0) values[0] = 1.0f;
         t.sync();
         (void)static_cast<float>(values[0]);
         if (t.index() == 40) values[0] = 2.0f;
       }},
      {"twoWriters", [](Thread& t) { t.shared<float>(0)[t.index() / 2] = 1.0f; }},
      {"neverWritten", [](Thread& t) { (void)static_cast<float>(t.shared<float>(0)[t.index()]); }},
      {"outOfBounds", [](Thread& t) { t.shared<float>(0)[100'000 + t.index()] = 1.0f; }},
      {"readBeforeCopy",
       [](Thread& t) {
         const Shared<float> copies = t.shared<float>(0);
         for (int i = 0; i < 2; i++) {
           t.copyAsync(copies + 4 * (t.index() + i * kThreads), kSource + 4 * t.index(), 16);
           t.commitCopies();
         }
         t.waitCopies<1>();
         (void)static_cast<float>(copies[4 * t.index()]);                // there
         (void)static_cast<float>(copies[4 * (t.index() + kThreads)]);  // not yet
         t.waitCopies<0>();
       }},
      {"copyWithoutBarrier",
       [](Thread& t) {
         const Shared<float> copies = t.shared<float>(0);
         t.copyAsync(copies + 4 * t.index(), kSource + 4 * t.index(), 16);
         t.commitCopies();
         t.waitCopies<0>();
         (void)static_cast<float>(copies[4 * ((t.index() + 32) % kThreads)]);
       }},
      {"forgottenCopies",
       [](Thread& t) {
         t.copyAsync(t.shared<float>(0) + 4 * t.index(), kSource + 4 * t.index(), 16);
         t.commitCopies();
       }},
      {"missedBarrier",
       [](Thread& t) {
         if (t.index() >= 32) t.sync();
       }},
      {"partialCopies",
       [](Thread& t) {
         const Shared<float> copies = t.shared<float>(0);
         t.copyAsync(copies + 4 * t.index(), kOnes, t.index() % 5 * 4);
         t.commitCopies();
         t.waitCopies<0>();
         for (int i = 0; i < 4; i++) {
           const float value = copies[4 * t.index() + i];
           if (value != (i < t.index() % 5 ? 1.0f : 0.0f)) throw KernelError("what was not copied is not 0");
         }
         if (t.ballot(t.lane() % 3 == 0) != 0x49249249u) throw KernelError("lanes voted otherwise");
       }},
      {"fragments",
       [](Thread& t) {
         if (t.warp() == 0) checkProduct<F16>(t);
         if (t.warp() == 1) checkProduct<Bf16>(t);
       }},
      {"fragmentsTf32", checkTf32},
      {"mixedMeeting",
       [](Thread& t) {
         if (t.lane() == 5) {
           t.shuffleXor(0, 1);
         } else {
           t.syncWarp();
         }
       }},
      {"missedShuffle",
       [](Thread& t) {
         if (t.lane() < 31) t.shuffleXor(0, 1);
       }},
  };
  return all;
}

}  // namespace

std::string selfTest(const std::string& name, Block& block) {
  const auto found = kernels().find(name);
  if (found == kernels().end()) throw std::invalid_argument("there is no kernel '" + name + "'");
  try {
    block.run(name.c_str(), {3, 2, kThreads, 8192}, [&](Thread& t) { found->second(t); });
  } catch (const KernelError& e) {
    return e.what();
  }
  return "";
}

}  // namespace gpu
}  // namespace trainyard
