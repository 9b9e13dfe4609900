import fs from 'node:fs';
import path from 'node:path';
import { failures, gpuActions, libraryActions } from '../electron/engine/devices/native/failures.ts';
import { scalarIndex, statIndex } from '../electron/engine/ops/scalars.ts';
import { type ArgType, allOps, dimNames, hasReal, type OpSpec } from '../electron/engine/program/declare.ts';
import '../electron/engine/ops/index.ts';
import { precisions } from '../electron/engine/program/types.ts';

const cTypes: Record<ArgType, string> = {
  real: 'T',
  f32: 'float',
  f16: 'F16',
  bf16: 'Bf16',
  i32: 'int32_t',
  u16: 'uint16_t',
  u8: 'uint8_t',
};

/** Names that a declaration may use and that read badly or clash in C++. */
const renamed: Record<string, string> = { in: 'inputs', out: 'outputs' };
const cName = (name: string): string => renamed[name] ?? name;
const capital = (s: string): string => s[0]!.toUpperCase() + s.slice(1);
const constant = (name: string): string => `k${capital(name)}`;
const callName = (spec: OpSpec): string => `${capital(spec.kind)}Call`;

/** The struct with which a kernel receives one kind of call: typed pointers, dimensions, attributes, flags. */
function structOf(spec: OpSpec): string {
  const fields: string[] = [];
  const fill: string[] = [];
  const sums = Object.keys(spec.args).filter((n) => spec.args[n]!.access === 'sum');
  Object.entries(spec.args).forEach(([name, a], i) => {
    const type = `${a.access === 'read' ? 'const ' : ''}${cTypes[a.dtype]}*`;
    fields.push(`${type} ${cName(name)};${a.optional ? '  // or null' : ''}`);
    fill.push(`static_cast<${type}>(c.args[${i}])`);
  });
  fields.push('float* workspace;');
  fill.push('static_cast<float*>(c.workspace)');
  dimNames(spec).forEach((name, i) => {
    fields.push(`int64_t ${cName(name)};`);
    fill.push(`c.dims[${i}]`);
  });
  spec.attrs.forEach((name, i) => {
    fields.push(`double ${cName(name)};`);
    fill.push(`c.attrs[${i}]`);
  });
  sums.forEach((name, i) => {
    fields.push(`bool ${name}Accumulate;`);
    fill.push(`(c.accumulate >> ${i} & 1u) != 0`);
  });
  const name = callName(spec);
  return [
    `// ${spec.formula}`,
    ...(hasReal(spec) ? ['template <class T>'] : []),
    `struct ${name} {`,
    ...fields.map((f) => `  ${f}`),
    `  TY_SHARED ${name} from(const Call& c) {`,
    `    return {${fill.join(', ')}};`,
    '  }',
    '};',
  ].join('\n');
}

/** @throws Error when two ops have different numbers of one name */
function constantsOf(ops: readonly OpSpec[]): string[] {
  const all = new Map<string, number>();
  for (const [name, value] of ops.flatMap((op) => Object.entries(op.constants ?? {}))) {
    if (all.has(name) && all.get(name) !== value) throw new Error(`the constant ${name} is declared twice`);
    all.set(name, value);
  }
  return [...all].map(([name, value]) => `constexpr int64_t ${constant(name)} = ${value};`);
}

const enumOf = (name: string, places: Readonly<Record<string, number>>): string =>
  `enum ${name} { ${Object.entries(places)
    .map(([place, i]) => `${constant(place)} = ${i}`)
    .join(', ')} };`;

const groupsOf = (ops: readonly OpSpec[]): string[] => [...new Set(ops.flatMap((op) => op.fused ?? []))].sort();

const made = '// Made by native/generate.ts. Not edited by hand.';

/** The structs of calls, and all numbers and places that kernels and plans must agree on. */
function calls(): string {
  const ops = allOps();
  const max = (count: (s: OpSpec) => number) => Math.max(1, ...ops.map(count));
  const row = (s: OpSpec) =>
    `{"${s.kind}", ${Object.keys(s.args).length}, ${dimNames(s).length}, ${s.attrs.length}, ${hasReal(s)}, Group::${s.fused ?? 'none'}}`;
  return `${made} From electron/engine/ops.
#pragma once
#include <cstdint>

#include "../../common/half.h"
#include "../../common/shared.h"

namespace trainyard {

enum class Precision : int32_t { ${precisions.join(', ')} };
constexpr int kPrecisionCount = ${precisions.length};

${constantsOf(ops).join('\n')}

// Places in the buffers \`scalars\` and \`stats\`.
${enumOf('Scalar', scalarIndex)}
${enumOf('Stat', statIndex)}

enum class Kind : int32_t { ${ops.map((s) => s.kind).join(', ')} };
constexpr int kKindCount = ${ops.length};

// Calls in a row that are of one of these may be launched together, in any order.
enum class Group : int32_t { ${['none', ...groupsOf(ops)].join(', ')} };

// One call as the program carries it: arguments, dimensions and attributes in the order of the declaration.
struct Call {
  Kind kind;
  Precision precision;  // of the arguments of type T
  uint32_t accumulate;  // bit i: the i-th argument of access 'sum' is added to
  void* args[${max((s) => Object.keys(s.args).length)}];
  void* workspace;
  int64_t dims[${max((s) => dimNames(s).length)}];
  double attrs[${max((s) => s.attrs.length)}];
};

struct KindInfo {
  const char* name;
  int args, dims, attrs;
  bool isReal;  // it has arguments of type T
  Group group;
};
constexpr KindInfo kKinds[kKindCount] = {
    ${ops.map(row).join(',\n    ')},
};

${ops.map(structOf).join('\n\n')}

}  // namespace trainyard
`;
}

/** Which function \`run\` a call is for: of a device's own, in the namespace that includes this. */
function dispatch(): string {
  const ops = allOps();
  const line = (s: OpSpec) =>
    `    case Kind::${s.kind}: return run(${callName(s)}${hasReal(s) ? '<T>' : ''}::from(call), with...);`;
  return `${made} Included in a namespace, behind a function \`run\` for each op.
// Calls \`run\` with a call over numbers of type T.
template <class T, class... With>
static void runReal(const Call& call, With&... with) {
  switch (call.kind) {
${ops.filter(hasReal).map(line).join('\n')}
    default: return;
  }
}

// The same with any other call.
template <class... With>
static void runPlain(const Call& call, With&... with) {
  switch (call.kind) {
${ops
  .filter((s) => !hasReal(s))
  .map(line)
  .join('\n')}
    default: return;
  }
}
`;
}

/** The same of calls that are launched together. */
function fused(): string {
  const ops = allOps().filter((s) => s.fused !== undefined);
  const line = (s: OpSpec) =>
    `  runKind<${callName(s)}${hasReal(s) ? '<T>' : ''}>(Kind::${s.kind}, calls, count, with...);`;
  return `${made} Included in a namespace, behind a function \`runFused\` for each op that has a group.
template <class Made, class... With>
static void runKind(Kind kind, const Call* calls, size_t count, With&... with) {
  std::vector<Made> made;
  for (size_t i = 0; i < count; i++) {
    if (calls[i].kind == kind) made.push_back(Made::from(calls[i]));
  }
  if (!made.empty()) runFused(made, with...);
}

// Calls over numbers of type T, and others, of one group: those of one kind after those of another.
template <class T, class... With>
static void runFusedReal(const Call* calls, size_t count, With&... with) {
${ops.filter(hasReal).map(line).join('\n')}
}
template <class... With>
static void runFusedPlain(const Call* calls, size_t count, With&... with) {
${ops
  .filter((s) => !hasReal(s))
  .map(line)
  .join('\n')}
}
`;
}

/** What the translation units of a GPU's calls without numbers of type T define: see native/cuda/ops. */
function declared(): string {
  const ops = allOps().filter((s) => !hasReal(s));
  return `${made}
#pragma once
#include <vector>

#include "calls.h"

namespace trainyard {
namespace gpu {

class Gpu;

${ops.map((s) => `void run(const ${callName(s)}& c, Gpu& gpu);`).join('\n')}

${ops
  .filter((s) => s.fused !== undefined)
  .map((s) => `void runFused(const std::vector<${callName(s)}>& calls, Gpu& gpu);`)
  .join('\n')}

}  // namespace gpu
}  // namespace trainyard
`;
}

const namesOf = (type: string, names: readonly string[]): string =>
  `enum class ${type} { ${names.join(', ')} };
inline const char* nameOf(${type} of) {
  static const char* const names[] = {${names.map((name) => `"${name}"`).join(', ')}};
  return names[static_cast<int>(of)];
}
`;

/** What failures are called: see native/common/failure.h. */
const codes = (): string => `${made} From electron/engine/devices/native/failures.ts.
#pragma once

namespace trainyard {

${namesOf('Code', Object.keys(failures))}
${namesOf('GpuAction', Object.keys(gpuActions))}
${namesOf('LibraryAction', Object.keys(libraryActions))}
}  // namespace trainyard
`;

/** Includes all files of a folder whose names end alike. */
function includesOf(folder: string, ending: string): string {
  const files = fs.readdirSync(path.join(import.meta.dirname, folder)).filter((name) => name.endsWith(ending));
  const lines = files.sort().map((name) => `#include "../../${folder}/${name}"`);
  return `${made}\n#pragma once\n${lines.join('\n')}\n`;
}

/** Writes what native code has of the declarations, so that neither can drift from the other. */
export function generate(folder: string): void {
  const texts: Readonly<Record<string, string>> = {
    'calls.h': calls(),
    'codes.h': codes(),
    'dispatch.inl.h': dispatch(),
    'together.inl.h': fused(),
    'plainCalls.h': declared(),
    'cpuOps.inl.h': includesOf('cpu/ops', '.inl.h'),
    'cudaOps.h': includesOf('cuda/ops', '.launch.h'),
  };
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    const file = path.join(folder, name);
    if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) fs.writeFileSync(file, text);
  }
}
