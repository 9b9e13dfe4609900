#include "fiber.h"

#if defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#if defined(__APPLE__)
#define _XOPEN_SOURCE 700
#endif
#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#endif

#include <stdexcept>
#include <utility>
#include <vector>

namespace trainyard {
namespace gpu {
namespace {

constexpr size_t kStackBytes = 128 << 10;

}  // namespace

#if defined(_WIN32)

struct Fiber::Context {
  void* fiber = nullptr;
  void* caller = nullptr;
  ~Context() {
    if (fiber) DeleteFiber(fiber);
  }
};

static void CALLBACK startFiber(void* argument) { (*static_cast<std::function<void()>*>(argument))(); }

void Fiber::begin(std::function<void()> body) {
  body_ = [this, inner = std::move(body)] {
    inner();
    enter(this);
  };
  ended_ = false;
  if (context_->fiber) DeleteFiber(context_->fiber);
  context_->fiber = CreateFiber(kStackBytes, startFiber, &body_);
  if (!context_->fiber) throw std::runtime_error("a fiber could not be made");
}

// The end of a function: Windows ends the whole thread when a fiber returns.
void Fiber::enter(Fiber* fiber) {
  fiber->ended_ = true;
  SwitchToFiber(fiber->context_->caller);
}

void Fiber::resume() {
  context_->caller = IsThreadAFiber() ? GetCurrentFiber() : ConvertThreadToFiber(nullptr);
  SwitchToFiber(context_->fiber);
}

void Fiber::leave() { SwitchToFiber(context_->caller); }

#else

// A stack is made by makecontext, and left and entered again by longjmp: swapcontext asks the kernel for the mask of
// signals each time, which takes longer than what most threads do in between.
struct Fiber::Context {
  ucontext_t self{}, caller{};
  jmp_buf inside{}, outside{};
  bool started = false;
  bool isBetween = false;  // whether one function has ended, and the next may begin on the stack as it is
  std::vector<unsigned char> stack = std::vector<unsigned char>(kStackBytes);
};

// makecontext passes integers only.
void Fiber::start(unsigned high, unsigned low) {
  const auto bits = static_cast<uint64_t>(high) << 32 | low;
  enter(reinterpret_cast<Fiber*>(static_cast<uintptr_t>(bits)));
}

void Fiber::begin(std::function<void()> body) {
  body_ = std::move(body);
  ended_ = false;
  if (context_->isBetween) return;
  if (getcontext(&context_->self) != 0) throw std::runtime_error("a fiber could not be made");
  context_->self.uc_stack.ss_sp = context_->stack.data();
  context_->self.uc_stack.ss_size = context_->stack.size();
  context_->self.uc_link = nullptr;
  context_->started = false;
  const auto bits = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(this));
  makecontext(&context_->self, reinterpret_cast<void (*)()>(start), 2, static_cast<unsigned>(bits >> 32),
              static_cast<unsigned>(bits));
}

// One function after another: to make a context anew takes two questions to the kernel.
void Fiber::enter(Fiber* fiber) {
  for (;;) {
    fiber->context_->isBetween = false;
    fiber->body_();
    fiber->ended_ = true;
    fiber->context_->isBetween = true;
    fiber->leave();
  }
}

void Fiber::resume() {
  if (_setjmp(context_->outside) != 0) return;
  if (context_->started) _longjmp(context_->inside, 1);
  context_->started = true;
  swapcontext(&context_->caller, &context_->self);
}

void Fiber::leave() {
  if (_setjmp(context_->inside) == 0) _longjmp(context_->outside, 1);
}

#endif

Fiber::Fiber() : context_(std::make_unique<Context>()) {}
Fiber::~Fiber() = default;

}  // namespace gpu
}  // namespace trainyard
