import { type OpSpec, opOf, precisionOf, resolveDims } from './declare.ts';
import { type Buffer, type Call, elements, isTransient, type Program } from './types.ts';

/**
 * Checks a program against the declarations of its ops: arguments, shapes and dtypes, that no call reads a transient
 * buffer before one wrote it, and that no call writes a buffer that it also reads under another name.
 * @throws Error that names the call's index, op and scope.
 */
export function verify(program: Program): void {
  const written = new Set<Buffer>();
  program.calls.forEach((call, i) => {
    const where = `${program.name}: call ${i} (${call.kind}${call.scope ? ` in ${call.scope}` : ''})`;
    const spec = opOf(call.kind);
    const { workspace, ...args } = call.args;
    for (const attr of spec.attrs) {
      if (!Number.isFinite(call.attrs[attr])) throw new Error(`${where}: attribute ${attr} is missing`);
    }
    try {
      checkSizes(spec, call, args);
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`);
    }
    const reads: Buffer[] = [];
    const writes: Buffer[] = workspace ? [workspace] : [];
    for (const [name, a] of Object.entries(spec.args)) {
      const b = call.args[name];
      if (!b) continue;
      const readsIt = a.access === 'read' || a.access === 'update' || (a.access === 'sum' && call.accumulate.has(name));
      if (readsIt && isTransient(b) && !written.has(b))
        throw new Error(`${where}: ${name} (${b.name}) is read before it is written`);
      (a.access === 'read' ? reads : writes).push(b);
    }
    for (const w of writes) {
      if (reads.includes(w) || writes.indexOf(w) !== writes.lastIndexOf(w)) {
        throw new Error(`${where}: ${w.name} is written and used under another name`);
      }
      written.add(w);
    }
  });
}

/** Devices take a call's sizes at their word. */
function checkSizes(spec: OpSpec, call: Call, args: Readonly<Record<string, Buffer | undefined>>): void {
  const dims = resolveDims(spec, args);
  for (const [name, size] of Object.entries(dims)) {
    if (call.dims[name] !== size) throw new Error(`${name} is ${size}, not ${call.dims[name]}`);
  }
  const precision = precisionOf(spec, args);
  if (call.precision !== precision) throw new Error(`its precision is ${precision}, not ${call.precision}`);
  const scratch = spec.workspace?.(dims, call.attrs, precision) ?? 0;
  const { workspace } = call.args;
  const given = workspace ? elements(workspace.shape) : 0;
  if (given !== scratch) throw new Error(`the workspace has ${given} elements, not ${scratch}`);
  for (const name of call.accumulate) {
    if (spec.args[name]?.access !== 'sum') throw new Error(`${name} can't be added to`);
  }
  const problem = spec.check?.(dims, call.attrs);
  if (problem !== undefined) throw new Error(problem);
}
