import fs from 'node:fs';
import path from 'node:path';
import { type ArgType, allOps, dimNames, hasReal, type OpSpec } from '../electron/engine/program/declare.ts';
import '../electron/engine/program/ops/index.ts';
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
  const name = `${capital(spec.kind)}Call`;
  return [
    `// ${spec.formula}`,
    ...(hasReal(spec) ? ['template <class T>'] : []),
    `struct ${name} {`,
    ...fields.map((f) => `  ${f}`),
    `  static ${name} from(const Call& c) {`,
    `    return {${fill.join(', ')}};`,
    '  }',
    '};',
  ].join('\n');
}

/** Writes the C++ header that mirrors the op declarations, so that kernels can't drift from them. */
export function generateCalls(outFile: string): void {
  const ops = allOps();
  const most = (count: (s: OpSpec) => number) => Math.max(1, ...ops.map(count));
  const row = (s: OpSpec) => `{"${s.kind}", ${Object.keys(s.args).length}, ${dimNames(s).length}, ${s.attrs.length}}`;
  const text = `// Made by native/generate.ts from electron/engine/program/ops. Not edited by hand.
#pragma once
#include <cstdint>

#include "../../cpu/half.h"

namespace trainyard {

enum class Precision : int32_t { ${precisions.join(', ')} };
constexpr int kPrecisionCount = ${precisions.length};

enum class Kind : int32_t { ${ops.map((s) => s.kind).join(', ')} };
constexpr int kKindCount = ${ops.length};

// One call as the program carries it: arguments, dimensions and attributes in the order of the declaration.
struct Call {
  Kind kind;
  Precision precision;  // of the arguments of type T
  uint32_t accumulate;  // bit i: the i-th argument of access 'sum' is added to
  void* args[${most((s) => Object.keys(s.args).length)}];
  void* workspace;
  int64_t dims[${most((s) => dimNames(s).length)}];
  double attrs[${most((s) => s.attrs.length)}];
};

struct KindInfo {
  const char* name;
  int args, dims, attrs;
};
constexpr KindInfo kKinds[kKindCount] = {
    ${ops.map(row).join(',\n    ')},
};

${ops.map(structOf).join('\n\n')}

}  // namespace trainyard
`;
  fs.mkdirSync(path.dirname(outFile), { recursive: true });
  if (!fs.existsSync(outFile) || fs.readFileSync(outFile, 'utf8') !== text) fs.writeFileSync(outFile, text);
}
