import { type FileSystem, nodeFileSystem } from '../../../electron/base/fileSystem.ts';

export interface Faults {
  /** Number of the call that fails, from 0. */
  readonly at: number;
  /** `once`: this call alone. `full`: this and every later call that takes space. `kill`: this and all that follow. */
  readonly mode: 'once' | 'full' | 'kill';
  /** The failing write leaves half of its bytes behind, as a disk does that runs full. */
  readonly torn?: boolean;
}

const takesSpace = new Set(['createFile', 'makeDirectory', 'write', 'sync', 'syncDirectory']);

/** The real file system with failing calls, and how many calls there were. */
export function faultyFileSystem({ at, mode, torn = false }: Faults): { fs: FileSystem; calls: string[] } {
  const calls: string[] = [];
  const fails = (call: string): boolean => {
    const n = calls.push(call) - 1;
    return mode === 'once' ? n === at : n >= at && (mode === 'kill' || n === at || takesSpace.has(call));
  };
  const failure = (syscall: string) =>
    Object.assign(new Error(`ENOSPC: no space left on device, ${syscall}`), { code: 'ENOSPC', errno: -28, syscall });
  const real = nodeFileSystem;
  const wrap =
    <A extends unknown[], R>(call: string, work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (fails(call)) throw failure(call);
      return work(...args);
    };
  const fs: FileSystem = {
    createFile: wrap('createFile', async (file) => {
      const opened = await real.createFile(file);
      return {
        async write(bytes) {
          if (!fails('write')) return opened.write(bytes);
          if (torn) await opened.write(bytes.subarray(0, bytes.length >> 1));
          throw failure('write');
        },
        sync: wrap('sync', opened.sync),
        // The descriptor of a killed process is closed too, whatever the process got to do.
        close: async () => {
          const failed = fails('close');
          await opened.close();
          if (failed) throw failure('close');
        },
      };
    }),
    makeDirectory: wrap('makeDirectory', real.makeDirectory),
    rename: wrap('rename', real.rename),
    remove: wrap('remove', real.remove),
    syncDirectory: wrap('syncDirectory', real.syncDirectory),
    list: wrap('list', real.list),
    freeBytes: wrap('freeBytes', real.freeBytes),
  };
  return { fs, calls };
}
