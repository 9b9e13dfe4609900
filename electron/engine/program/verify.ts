import { type ArgTable, argsOf, type OpSpec, opOf, sizesOf } from './declare.ts';
import { type Buffer, type Call, elements, isTransient, type Program } from './types.ts';

/**
 * Checks a program against the declarations of its ops: arguments, shapes and dtypes, that no call reads a transient
 * buffer before one wrote it, and that no call writes a buffer that it also reads under another name.
 * @throws Error that names the call's index, op and scope.
 */
export function verify(program: Program): void {
  const written = new Set<Buffer>();
  let i = 0;
  try {
    for (; i < program.calls.length; i++) verifyCall(program.calls[i]!, written);
  } catch (error) {
    const { kind, scope } = program.calls[i]!;
    const where = `${program.name}: call ${i} (${kind}${scope ? ` in ${scope}` : ''})`;
    throw new Error(`${where}: ${(error as Error).message}`);
  }
}

function verifyCall(call: Call, written: Set<Buffer>): void {
  const spec = opOf(call.kind);
  const table = argsOf(spec);
  for (const attr of spec.attrs) {
    if (!Number.isFinite(call.attrs[attr])) throw new Error(`attribute ${attr} is missing`);
  }
  checkSizes(spec, call);
  checkUse(table, call, written);
}

/** Devices take a call's sizes at their word. */
function checkSizes(spec: OpSpec, call: Call): void {
  const { workspace } = call.args;
  const { dims, precision } = sizesOf(spec, call.args);
  // What the recorder made has the very sizes.
  if (call.dims !== dims) {
    for (const [name, size] of Object.entries(dims)) {
      if (call.dims[name] !== size) throw new Error(`${name} is ${size}, not ${call.dims[name]}`);
    }
  }
  if (call.precision !== precision) throw new Error(`its precision is ${precision}, not ${call.precision}`);
  const scratch = spec.workspace?.(dims, call.attrs, precision) ?? 0;
  const given = workspace ? elements(workspace.shape) : 0;
  if (given !== scratch) throw new Error(`the workspace has ${given} elements, not ${scratch}`);
  for (const name of call.accumulate) {
    if (spec.args[name]?.access !== 'sum') throw new Error(`${name} can't be added to`);
  }
  const problem = spec.check?.(dims, call.attrs);
  if (problem !== undefined) throw new Error(problem);
}

function checkUse({ names, specs }: ArgTable, { args, accumulate }: Call, written: Set<Buffer>): void {
  if (args.workspace) written.add(args.workspace);
  for (let i = 0; i < names.length; i++) {
    const b = args[names[i]!];
    if (!b) continue;
    if (b === args.workspace) throw new Error(`${b.name} is written and used under another name`);
    const { access } = specs[i]!;
    const readsIt = access === 'read' || access === 'update' || (access === 'sum' && accumulate.has(names[i]!));
    if (readsIt && isTransient(b) && !written.has(b)) {
      throw new Error(`${names[i]} (${b.name}) is read before it is written`);
    }
    if (access === 'read') continue;
    for (let k = 0; k < names.length; k++) {
      if (k !== i && args[names[k]!] === b) throw new Error(`${b.name} is written and used under another name`);
    }
  }
  for (let i = 0; i < names.length; i++) {
    const b = args[names[i]!];
    if (b && specs[i]!.access !== 'read') written.add(b);
  }
}
