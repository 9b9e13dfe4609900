import { formatBytes } from '../../base/format.ts';
import { opOf } from './declare.ts';
import { byteLength, type Call, type Program } from './types.ts';

/** A program as text: one call a line, results on the left, shapes and bytes on the right. */
export function print(program: Program): string {
  const lines = [`program ${program.name}: ${program.calls.length} calls`];
  let pass = '';
  for (const call of program.calls) {
    if (call.pass !== pass) {
      pass = call.pass;
      lines.push(`  ${pass}`);
    }
    lines.push(`    ${printCall(call)}`);
  }
  return lines.join('\n');
}

function printCall(call: Call): string {
  const spec = opOf(call.kind);
  const results: string[] = [];
  const inputs: string[] = [];
  for (const [name, a] of Object.entries(spec.args)) {
    const b = call.args[name];
    if (!b) continue;
    if (a.access === 'read') inputs.push(b.name);
    else {
      const op = a.access === 'update' || call.accumulate.has(name) ? '+=' : '=';
      results.push(`${b.name}${b.dtype === 'f32' ? '' : `:${b.dtype}`}[${b.shape.join(' ')}] ${op}`);
    }
  }
  const attrs = spec.attrs.map((n) => `${n}=${call.attrs[n]}`);
  const workspace = call.args.workspace ? ` {workspace ${formatBytes(byteLength(call.args.workspace))}}` : '';
  return `${results.join(' ')} ${call.kind}(${[...inputs, ...attrs].join(', ')})${workspace}`;
}
